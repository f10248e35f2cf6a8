"""What a decision brings about beside the sync itself: runs, gaps, pauses and events."""

from dataclasses import dataclass, field
from datetime import datetime

from tablesync.contracts import ChangedSyncStatus, Event, RunStatus, SlotRule, SyncChanged
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import ClosedPause, Sync
from tablesync.service_kit.clock import unix_milliseconds


@dataclass(frozen=True)
class WithdrawnRun:
    """A run that ends before anybody was asked to run it."""

    run_id: str
    status: RunStatus
    summary: str
    at: datetime


@dataclass
class Changes:
    """Collects what pure decisions bring about, to be stored in one transaction."""

    runs: list[Run] = field(default_factory=list)
    withdrawn: list[WithdrawnRun] = field(default_factory=list)
    gaps: list[ClosedGap] = field(default_factory=list)
    pauses: list[ClosedPause] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def publish(self, *events: Event) -> None:
        """Note events for the outbox."""
        self.events += events


def changed(sync: Sync, now: datetime, status: ChangedSyncStatus | None = None) -> SyncChanged:
    """Make the event that an operator changed a sync; it comes last, and tells its whole state."""
    return SyncChanged(
        workspace_id=sync.workspace_id,
        sync_id=sync.id,
        sequence=sync.next_event_sequence(unix_milliseconds(now)),
        status=status or ChangedSyncStatus(sync.status),
        paused=sync.paused,
        hold=sync.hold,
        gap=sync.gap,
        spec=sync.spec(),
        schedule=SlotRule(every_seconds=sync.schedule.every_seconds),
        overlap=sync.overlap,
        owner_id=sync.owner_id,
        created_at=sync.created_at,
    )
