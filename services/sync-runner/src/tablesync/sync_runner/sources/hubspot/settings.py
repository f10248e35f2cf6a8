"""What HubSpot as a source reads from the environment."""

from pydantic import AnyHttpUrl, BaseModel, Field


class HubSpotSettings(BaseModel):
    """Where HubSpot is, how fast it may be asked, and how far its search index lags."""

    hubspot_api_url: AnyHttpUrl = AnyHttpUrl("https://api.hubapi.com")
    runner_hubspot_overlap_seconds: int = Field(
        default=900, ge=900, description="How far back each pass looks: the search index lags."
    )
    runner_hubspot_per_ten_seconds: float = Field(default=110, gt=0)
    runner_hubspot_search_per_second: float = Field(default=5, gt=0)
