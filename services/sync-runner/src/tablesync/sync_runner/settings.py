"""Settings of sync-runner, read from the environment."""

from pydantic import AnyHttpUrl, Field
from tablesync.service_kit.settings import ServiceSettings

NAME = "sync-runner"
DATABASE = "runner"


class Settings(ServiceSettings):
    """The kit's settings, and where the providers are, how many work and how fast."""

    auth_service_url: AnyHttpUrl
    hubspot_api_url: AnyHttpUrl = AnyHttpUrl("https://api.hubapi.com")
    airtable_api_url: AnyHttpUrl = AnyHttpUrl("https://api.airtable.com")
    runner_workers: int = Field(default=8, ge=1, description="Runs at once in this process.")
    runner_lease_seconds: float = Field(default=30, ge=1, le=40)
    runner_hubspot_overlap_seconds: int = Field(
        default=900, ge=900, description="How far back each pass looks: the search index lags."
    )
    runner_airtable_base_per_second: float = Field(default=5, gt=0)
    runner_airtable_user_per_second: float = Field(default=50, gt=0)
    runner_hubspot_per_ten_seconds: float = Field(default=110, gt=0)
    runner_hubspot_search_per_second: float = Field(default=5, gt=0)
    runner_writes_in_flight: int = Field(default=8, ge=1, description="Requests at once, a run.")

    @property
    def database_name(self) -> str:
        """The database that this service owns."""
        return f"{self.mongodb_database_prefix}{DATABASE}"


def base_url(url: AnyHttpUrl) -> str:
    """Return a URL to which paths can be appended."""
    return str(url).rstrip("/")
