"""Settings of sync-runner, read from the environment; each provider's own are in its folder."""

from pydantic import AnyHttpUrl, Field
from tablesync.service_kit.settings import DaysKept, ServiceSettings
from tablesync.sync_runner.airtable.settings import AirtableSettings
from tablesync.sync_runner.sources import SourceSettings

NAME = "sync-runner"
DATABASE = "runner"


class Settings(SourceSettings, AirtableSettings, ServiceSettings):
    """The kit's and the providers' settings, and how many work at once."""

    auth_service_url: AnyHttpUrl
    runner_workers: int = Field(default=8, ge=1, description="Runs at once in this process.")
    runner_lease_seconds: float = Field(default=20, ge=1, le=25)
    runner_request_seconds: float = Field(
        default=30, ge=1, le=30, description="A takeover waits for it behind the lease."
    )
    runner_access_wait_seconds: float = Field(
        default=10, ge=0, le=600, description="For a token or ruling; then others have their turn."
    )
    runner_catalog_retry_seconds: float = Field(
        default=5, ge=0, le=60, description="A provider that fails is asked again; somebody waits."
    )
    runner_writes_in_flight: int = Field(default=8, ge=1, description="Requests at once, per run.")
    runner_page_megabytes: float = Field(
        default=8, gt=0, description="Of pages read ahead, and as much being written, per run."
    )
    runner_answer_megabytes: float = Field(
        default=16, gt=0, description="A longer answer is asked for in parts; a record is refused."
    )
    runner_keep_runs_days: DaysKept = Field(
        default=30, description="Runs from their end on; cancellations and deletions 44 days more."
    )
    runner_keep_rejections_days: DaysKept = Field(
        default=30, description="Rejections, from when each was stored."
    )
    runner_keep_dry_runs_days: int = Field(
        default=7, ge=1, description="What dry runs have found, from their end."
    )
