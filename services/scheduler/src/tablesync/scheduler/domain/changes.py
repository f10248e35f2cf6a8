"""What a decision brings about beside the sync itself: runs, gaps and events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from tablesync.contracts import Event, Gap, Hold
from tablesync.scheduler.domain.runs import Run


class ClosedGap(BaseModel):
    """A gap that is over, kept for the ledger."""

    model_config = ConfigDict(frozen=True)

    sync_id: str
    workspace_id: str
    gap: Gap
    hold: Hold | None
    catch_up_run_id: str | None


@dataclass(frozen=True)
class WithdrawnRun:
    """A run that ends before anybody was asked to run it."""

    run_id: str
    status: str
    summary: str
    at: datetime


@dataclass
class Changes:
    """Collects what pure decisions bring about, to be stored in one transaction."""

    runs: list[Run] = field(default_factory=list)
    withdrawn: list[WithdrawnRun] = field(default_factory=list)
    gaps: list[ClosedGap] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def publish(self, *events: Event) -> Sequence[Event]:
        """Note events for the outbox."""
        self.events += events
        return events
