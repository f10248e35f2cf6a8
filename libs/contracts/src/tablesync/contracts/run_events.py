"""Events of the topic `run-events`, produced by sync-runner."""

from typing import ClassVar, Literal

from pydantic import Field
from tablesync.contracts.event import Event
from tablesync.contracts.specs import Findings, Moment, RunCounts, RunFailureCause, Trigger, is_none

TOPIC = "run-events"


class RunEvent(Event):
    """A fact about one run."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "sync_id"

    sync_id: str
    run_id: str
    trigger: Trigger
    slot: Moment | None = None
    started_at: Moment | None = Field(default=None, description="Absent if it never started.")
    counts: RunCounts = RunCounts()
    summary: str = Field(description="One sentence for people.")
    found: Findings | None = Field(
        default=None,
        exclude_if=is_none,
        description="Of a run that began a check of everything, or went on with one.",
    )


class SyncStarted(RunEvent):
    """A worker has begun, or taken over, the run."""

    type: ClassVar[str] = "tablesync.sync.started.v1"


class SyncSucceeded(RunEvent):
    """The run read its source to the end and Airtable has acknowledged every record."""

    type: ClassVar[str] = "tablesync.sync.succeeded.v1"

    ended_at: Moment


class SyncFailed(RunEvent):
    """The run ended without reaching the end of its source, and will not go on by itself."""

    type: ClassVar[str] = "tablesync.sync.failed.v1"

    ended_at: Moment
    cause: RunFailureCause
    connection_id: str | None = Field(default=None, description="Whose fault, if a connection's.")
    retry_at: Moment | None = Field(
        default=None,
        exclude_if=is_none,
        description="When a used-up quota is refilled: no run gets through before.",
    )


class SyncInterrupted(RunEvent):
    """The run stopped for a hold; a catch-up inherits its checkpoint.

    `interrupted`: it had begun. `held`: the token route refused it before any source call.
    """

    type: ClassVar[str] = "tablesync.sync.interrupted.v1"

    ended_at: Moment
    outcome: Literal["interrupted", "held"]
    cause: RunFailureCause
    connection_id: str | None = None
