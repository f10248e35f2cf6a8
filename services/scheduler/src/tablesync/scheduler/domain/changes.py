"""What a decision brings about beside the sync itself: runs, gaps and events."""

from dataclasses import dataclass, field
from datetime import datetime

from tablesync.contracts import Event, RunStatus
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.runs import Run


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
    events: list[Event] = field(default_factory=list)

    def publish(self, *events: Event) -> None:
        """Note events for the outbox."""
        self.events += events
