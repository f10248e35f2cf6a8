"""The scheduler's settings."""

from pydantic import AnyHttpUrl, Field
from tablesync.service_kit.settings import DaysKept, ServiceSettings

NAME = "scheduler"


class Settings(ServiceSettings):
    """What the scheduler needs beside what every service needs."""

    auth_service_url: AnyHttpUrl
    sync_runner_url: AnyHttpUrl
    scheduler_min_interval_seconds: int = Field(
        default=60, ge=1, description="No schedule is denser than this; 0 s is always refused."
    )
    scheduler_syncs_per_workspace: int = Field(
        default=20_000, ge=1, le=10_000_000, description="The most that a workspace may have."
    )
    scheduler_catch_up_jitter_seconds: float = Field(
        default=30.0,
        ge=0,
        description="Catch-ups of one release are spread, ten a second, over no more than this.",
    )
    scheduler_check_every_days: int = Field(
        default=7, ge=0, le=366, description="Every sync is checked whole; 0 only on request."
    )
    scheduler_check_from_hour: int = Field(
        default=1, ge=0, le=23, description="The hour, UTC, in which the quiet time begins."
    )
    scheduler_check_hours: int = Field(
        default=4, ge=1, le=24, description="How long that is; checks are spread over it."
    )
    scheduler_keep_runs_days: DaysKept = Field(
        default=90, description="The history of runs, from each one's end on."
    )
    scheduler_keep_gaps_days: DaysKept = Field(
        default=365, description="Gaps in the ledger, and pauses, from the end of each on."
    )
