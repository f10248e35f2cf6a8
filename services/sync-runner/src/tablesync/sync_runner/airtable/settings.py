"""What Airtable as the destination reads from the environment."""

from pydantic import AnyHttpUrl, BaseModel, Field


class AirtableSettings(BaseModel):
    """Where Airtable is, and how fast it may be asked."""

    airtable_api_url: AnyHttpUrl = AnyHttpUrl("https://api.airtable.com")
    runner_airtable_base_per_second: float = Field(default=5, gt=0)
    runner_airtable_user_per_second: float = Field(default=50, gt=0)
