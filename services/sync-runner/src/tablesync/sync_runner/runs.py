"""Runs as they are stored: the durable queue, and what became of each."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from tablesync.contracts import (
    Findings,
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
    """One run of a sync, whose `target` is the table that it alone may write while it runs.

    Its spec is read when it is needed: one that this version cannot read fails its own run alone.
    """

    id: str
    sync_id: str
    workspace_id: str
    target: str
    stored_spec: Document
    trigger: Trigger
    slot: datetime | None
    priority: int
    queued_at: datetime
    check_everything: bool = False
    status: RunStatus = RunStatus.QUEUED
    fence: int = 0
    owner: str | None = None
    lease_until: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    counts: RunCounts = field(default_factory=RunCounts)
    found: Findings | None = None
    cause: RunFailureCause | None = None
    summary: str = ""
    connection_id: str | None = None
    cancel_requested: bool = False
    distrusted: bool = False
    # How long it had not come on when it was last handed back, until its next turn.
    waited_seconds: float = 0.0
    # How many workers in a row were lost before its checkpoint came on.
    takeovers: int = 0
    retry_at: datetime | None = None
    traceparent: str | None = None
    # How far it had come when that was last saved.
    phase: str | None = None
    total: int | None = None
    saved_at: datetime | None = None

    @classmethod
    def requested(cls, event: SyncRequested, now: datetime) -> Self:
        """Return a run that was asked for."""
        destination = event.spec.destination
        return cls(
            id=event.run_id,
            sync_id=event.sync_id,
            workspace_id=event.workspace_id,
            target=f"{destination.base_id}/{destination.table_id}",
            stored_spec=event.spec.model_dump(mode="json"),
            trigger=event.trigger,
            slot=event.slot,
            priority=0 if event.trigger is Trigger.MANUAL else 1,
            queued_at=now,
            check_everything=event.check_everything,
            traceparent=current_traceparent(),
        )

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form."""
        cause, found = document["cause"], document.get("found")
        return cls(
            id=document["_id"],
            sync_id=document["sync_id"],
            workspace_id=document["workspace_id"],
            target=document["target"],
            stored_spec=document["spec"],
            trigger=Trigger(document["trigger"]),
            slot=document["slot"],
            priority=document["priority"],
            queued_at=document["queued_at"],
            check_everything=document.get("check_everything", False),
            status=RunStatus(document["status"]),
            fence=document["fence"],
            owner=document["owner"],
            lease_until=document["lease_until"],
            started_at=document["started_at"],
            ended_at=document["ended_at"],
            counts=RunCounts.model_validate(document["counts"]),
            found=Findings.model_validate(found) if found else None,
            cause=RunFailureCause(cause) if cause else None,
            summary=document["summary"],
            connection_id=document["connection_id"],
            cancel_requested=document["cancel_requested"],
            distrusted=document["distrusted"],
            waited_seconds=document.get("waited_seconds", 0.0),
            takeovers=document.get("takeovers", 0),
            retry_at=document.get("retry_at"),
            traceparent=document["traceparent"],
            phase=document.get("phase"),
            total=document.get("total"),
            saved_at=document.get("saved_at"),
        )

    def to_document(self) -> Document:
        """Return the stored form."""
        fields = {name: value for name, value in vars(self).items() if name not in _STORED_ELSE}
        check = {"check_everything": True} if self.check_everything else {}
        return {
            **fields,
            **check,
            "_id": self.id,
            "spec": self.stored_spec,
            "trigger": self.trigger.value,
            "status": self.status.value,
            "counts": self.counts.model_dump(),
            "cause": self.cause.value if self.cause else None,
        }

    @cached_property
    def spec(self) -> SyncSpec:
        """What is to be done; raises ValidationError."""
        return SyncSpec.model_validate(self.stored_spec)

    @property
    def facts(self) -> dict[str, Any]:
        """What all events about the run say."""
        return {
            "workspace_id": self.workspace_id,
            "sync_id": self.sync_id,
            "run_id": self.id,
            "trigger": self.trigger,
            "slot": self.slot,
            "found": self.found,
        }

    def started(self, at: datetime) -> SyncStarted:
        """Make the event that a worker has begun the run, or taken it over."""
        again = "goes on" if self.counts.read else "has begun"
        return SyncStarted(
            **self.facts, started_at=at, counts=self.counts, summary=f"The run {again}."
        )


# Fields that are stored by another name, or not at all, or not before there is something to say.
_STORED_ELSE = frozenset(
    {
        "id",
        "stored_spec",
        "spec",
        "waited_seconds",
        "takeovers",
        "retry_at",
        "check_everything",
        "found",
        "phase",
        "total",
        "saved_at",
    }
)


@dataclass(frozen=True)
class Ending:
    """How a run ended."""

    status: RunStatus
    summary: str
    cause: RunFailureCause | None = None
    connection_id: str | None = None
    retry_at: datetime | None = None

    def fields(self, at: datetime) -> Document:
        """Return the changes of the stored run that end it."""
        again = {"retry_at": self.retry_at} if self.retry_at else {}
        return again | {
            "status": self.status.value,
            "ended_at": at,
            "lease_until": None,
            "owner": None,
            "cause": self.cause.value if self.cause else None,
            "summary": self.summary,
            "connection_id": self.connection_id,
        }

    def event(self, run: Run, at: datetime) -> RunEvent:
        """Make the event that tells it, of a run as it is stored at its end."""
        facts = {
            **run.facts,
            "started_at": run.started_at,
            "ended_at": at,
            "counts": run.counts,
            "summary": self.summary,
        }
        if self.status is RunStatus.SUCCEEDED:
            return SyncSucceeded(**facts)
        facts |= {"cause": self.cause, "connection_id": self.connection_id}
        if self.status in (RunStatus.INTERRUPTED, RunStatus.HELD):
            return SyncInterrupted(**facts, outcome=self.status.value)
        return SyncFailed(**facts, retry_at=self.retry_at)


def succeeded(counts: RunCounts, found: Findings | None = None) -> Ending:
    """Make the ending of a run that reached the end of its source."""
    if found is not None:
        return Ending(RunStatus.SUCCEEDED, checked(found, counts.rejected))
    word = f"succeeded, {counts.rejected:,} rejected" if counts.rejected else "succeeded"
    return Ending(RunStatus.SUCCEEDED, f"{word}: {_told(counts)}")


def checked(found: Findings, rejected: int) -> str:
    """Say in one sentence what a check of everything has found and mended."""
    parts = [
        _some(found.missing, "row was", "rows were", "missing and written again"),
        _some(found.altered, "was", "were", "changed by hand and corrected"),
        _some(found.outdated, "was", "were", "new or had changed at the source"),
        _some(found.gone, "is", "are", "gone at the source"),
        _some(found.returned, "is", "are", "back at the source"),
        _some(rejected, "was", "were", "rejected"),
    ]
    told = ", ".join(each for each in parts if each) or "every row was as it should be"
    return f"Checked {_some(found.checked, 'record', 'records')}: {told}."


def _some(count: int, one: str, many: str, what: str = "") -> str:
    """Count something in words; nothing if there is none, but for records."""
    if not count and what:
        return ""
    return " ".join(filter(None, (f"{count:,}", one if count == 1 else many, what)))


def ended_by(error: RunEndedError, *, begun: bool) -> Ending:
    """Make the ending that an error stands for."""
    if isinstance(error, ConnectionLostError):
        status = RunStatus.INTERRUPTED if begun else RunStatus.HELD
    elif isinstance(error, RunCancelledError):
        status = RunStatus.CANCELLED
    else:
        status = RunStatus.FAILED
    return Ending(status, error.summary, error.cause, error.connection_id, error.retry_at)


def _told(counts: RunCounts) -> str:
    return f"{counts.read:,} read, {counts.written:,} written, {counts.unchanged:,} unchanged."
