"""Runs as they are stored: the durable queue, and what became of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tablesync.contracts import (
    RunCounts,
    RunEvent,
    RunFailureCause,
    RunStatus,
    SyncFailed,
    SyncInterrupted,
    SyncRequested,
    SyncSpec,
    SyncStarted,
    SyncSucceeded,
    Trigger,
)
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.telemetry import current_traceparent
from tablesync.sync_runner.errors import (
    ConnectionLostError,
    RunCancelledError,
    RunEndedError,
)


@dataclass(frozen=True)
class Run:
    """One run as a worker has claimed it."""

    id: str
    spec: SyncSpec
    trigger: Trigger
    slot: datetime | None
    fence: int
    started_at: datetime | None
    counts: RunCounts
    distrusted: bool
    traceparent: str | None

    @classmethod
    def of(cls, row: Document) -> "Run":
        """Read a stored run."""
        return cls(
            id=row["_id"],
            spec=SyncSpec.model_validate(row["spec"]),
            trigger=Trigger(row["trigger"]),
            slot=row["slot"],
            fence=row["fence"],
            started_at=row["started_at"],
            counts=RunCounts.model_validate(row["counts"]),
            distrusted=row["distrusted"],
            traceparent=row["traceparent"],
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What all events about the run say."""
        return {
            "workspace_id": self.spec.workspace_id,
            "sync_id": self.spec.sync_id,
            "run_id": self.id,
            "trigger": self.trigger,
            "slot": self.slot,
        }

    def started(self, at: datetime) -> SyncStarted:
        """Make the event that a worker has begun the run, or taken it over."""
        again = "goes on" if self.counts.read else "has begun"
        return SyncStarted(
            **self.facts, started_at=at, counts=self.counts, summary=f"The run {again}."
        )


@dataclass(frozen=True)
class Ending:
    """How a run ended."""

    status: RunStatus
    summary: str
    cause: RunFailureCause | None = None
    connection_id: str | None = None

    def event(
        self, run: Run, counts: RunCounts, started_at: datetime | None, at: datetime
    ) -> RunEvent:
        """Make the event that tells it."""
        facts = {
            **run.facts,
            "started_at": started_at,
            "ended_at": at,
            "counts": counts,
            "summary": self.summary,
        }
        if self.status is RunStatus.SUCCEEDED:
            return SyncSucceeded(**facts)
        facts |= {"cause": self.cause, "connection_id": self.connection_id}
        if self.status in (RunStatus.INTERRUPTED, RunStatus.HELD):
            return SyncInterrupted(**facts, outcome=self.status.value)
        return SyncFailed(**facts)


def new_row(event: SyncRequested, now: datetime) -> Document:
    """Make the stored form of a run that was asked for."""
    destination = event.spec.destination
    return {
        "_id": event.run_id,
        "sync_id": event.sync_id,
        "workspace_id": event.workspace_id,
        "target": f"{destination.base_id}/{destination.table_id}",
        "spec": event.spec.model_dump(mode="json"),
        "trigger": event.trigger.value,
        "slot": event.slot,
        "status": RunStatus.QUEUED.value,
        "priority": 0 if event.trigger is Trigger.MANUAL else 1,
        "queued_at": now,
        "fence": 0,
        "owner": None,
        "lease_until": None,
        "started_at": None,
        "ended_at": None,
        "counts": RunCounts().model_dump(),
        "cause": None,
        "summary": "",
        "connection_id": None,
        "cancel_requested": False,
        "distrusted": False,
        "traceparent": current_traceparent(),
    }


def succeeded(counts: RunCounts) -> Ending:
    """Make the ending of a run that reached the end of its source."""
    word = f"succeeded, {counts.rejected:,} rejected" if counts.rejected else "succeeded"
    return Ending(RunStatus.SUCCEEDED, f"{word}: {_told(counts)}")


def ended_by(error: RunEndedError, *, begun: bool) -> Ending:
    """Make the ending that an error stands for."""
    if isinstance(error, ConnectionLostError):
        status = RunStatus.INTERRUPTED if begun else RunStatus.HELD
    elif isinstance(error, RunCancelledError):
        status = RunStatus.CANCELLED
    else:
        status = RunStatus.FAILED
    return Ending(status, error.summary, error.cause, error.connection_id)


def _told(counts: RunCounts) -> str:
    return f"{counts.read:,} read, {counts.written:,} written, {counts.unchanged:,} unchanged."
