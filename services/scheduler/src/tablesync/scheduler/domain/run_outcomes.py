"""What a run's report changes: its line in the history, its slot, and perhaps a hold.

Reports come as events, in any order and more than once, or from a look at sync-runner: to
apply one is idempotent, and the first end of a run is final.
"""

from dataclasses import dataclass, field
from datetime import datetime

from tablesync.contracts import (
    Findings,
    Hold,
    HoldKind,
    RunCounts,
    RunFailureCause,
    RunStatus,
    Trigger,
)
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.holds import hold
from tablesync.scheduler.domain.requests import request_waiting
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync

_HOLDS = {
    RunFailureCause.RESOURCE: HoldKind.RESOURCE,
    RunFailureCause.MAPPING: HoldKind.MAPPING,
    RunFailureCause.QUOTA: HoldKind.QUOTA,
}


@dataclass(frozen=True)
class Report:
    """What somebody says about a run."""

    status: RunStatus
    summary: str | None = None
    counts: RunCounts = field(default_factory=RunCounts)
    found: Findings | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cause: RunFailureCause | None = None
    connection_id: str | None = None
    retry_at: datetime | None = None
    presumed: bool = False

    @property
    def stopped(self) -> bool:
        """Whether a stop, and not the run's own work, ended it: its slot was not served."""
        return (
            self.status in {RunStatus.INTERRUPTED, RunStatus.HELD}
            or self.cause in _HOLDS
            or self.cause is RunFailureCause.CONNECTION
        )


def apply(report: Report, run: Run, sync: Sync | None, now: datetime, changes: Changes) -> bool:
    """Apply a report to a run and its sync, if that still exists; False if it is no news."""
    if not report.status.ended:
        return _begin(report, run)
    if run.ended:
        return False
    _end(report, run, now)
    if sync is not None:
        _leave(report, run, sync, now, changes)
    return True


def _begin(report: Report, run: Run) -> bool:
    news = run.started_at is None and report.started_at is not None
    if news:
        run.started_at = report.started_at
    if run.status is RunStatus.REQUESTED and report.status is RunStatus.RUNNING:
        run.status = RunStatus.RUNNING
        return True
    return news


def _end(report: Report, run: Run, now: datetime) -> None:
    run.status = report.status
    run.counts = report.counts
    run.found = report.found
    run.check_everything = run.check_everything or report.found is not None  # it went on with one
    run.cause = report.cause
    run.summary = report.summary
    run.started_at = run.started_at or report.started_at
    run.ended_at = report.ended_at or now
    run.presumed = report.presumed


def _leave(report: Report, run: Run, sync: Sync, now: datetime, changes: Changes) -> None:
    if run.id in sync.active_runs:
        sync.active_runs.remove(run.id)
    if report.status is RunStatus.SUCCEEDED:
        sync.tries_in_vain, sync.failing = 0, False
        sync.last_success_at = max(run.ended_at or now, sync.last_success_at or run.requested_at)
    elif report.status is RunStatus.FAILED:
        sync.failing = not report.stopped
    check_again = _owe_check(report, run, sync)
    if not report.stopped:
        if sync.waiting or not check_again:  # it may fail again: not at once, with the next slot
            request_waiting(sync, now, changes)
        return
    _miss_run(run, sync)
    kind = _HOLDS.get(report.cause) if report.cause else None
    if kind:
        sync.tries_in_vain = sync.tries_in_vain + 1 if run.trigger is Trigger.CATCH_UP else 0
        why = Hold(
            kind=kind,
            connection_id=report.connection_id,
            cause=report.summary or str(kind),
            since=run.ended_at or now,
            until=report.retry_at if kind is HoldKind.QUOTA else None,
        )
        hold(sync, why, now, changes)


def _owe_check(report: Report, run: Run, sync: Sync) -> bool:
    """Owe a check again whose run ended before it began: whether it is owed.

    One that has begun is part of the checkpoint, where any run goes on with it; one that was
    cancelled is given up.
    """
    if run.id != sync.check_run_id:
        return False
    sync.check_owed = report.found is None and report.status is not RunStatus.CANCELLED
    return sync.check_owed


def _miss_run(run: Run, sync: Sync) -> None:
    """Move the run's slot to held; the next catch-up owes it, unless one was asked for since."""
    slots = 0
    if run.slot:
        slots = 1 + run.coalesced_slots
        sync.ledger.run_becomes_held(slots)
    if _caught_up_since(run, sync):
        return
    if run.gap:
        sync.add_to_gap(run.gap.from_, run.gap.slots_missed, interrupted=True)
    else:
        sync.add_to_gap(run.slot or run.requested_at, slots, interrupted=True)


def _caught_up_since(run: Run, sync: Sync) -> bool:
    return (
        sync.last_catch_up_id not in (None, run.id)
        and sync.last_catch_up_at is not None
        and sync.last_catch_up_at > run.requested_at
    )
