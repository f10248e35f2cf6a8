"""Asking for runs, catch-ups (backfills) too: the only place where a SyncRequested is made."""

from datetime import datetime
from typing import Any

from tablesync.contracts import Gap, RunStatus, SyncRequested, Trigger, new_id
from tablesync.scheduler.domain.changes import Changes, WithdrawnRun
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import PlannedCatchUp, Sync


def request_run(sync: Sync, trigger: Trigger, now: datetime, changes: Changes, **about: Any) -> Run:
    """Ask for a run now; `about` are further fields of the run."""
    run = _new_run(sync, trigger, now, changes, **about)
    changes.publish(_event(sync, run.id, trigger, run.slot, run.gap, check=run.check_everything))
    return run


def request_waiting(sync: Sync, now: datetime, changes: Changes) -> None:
    """Turn waiting slots, and a check that is owed, into one run; not while another is under way.

    A check waits for no slot, since the next one may be far away, but for the end of a hold.
    """
    if sync.active_runs or not sync.claimable or not (sync.waiting or sync.check_owed):
        return
    waiting, sync.waiting = sync.waiting, None
    slots = {"slot": waiting.slot, "coalesced_slots": waiting.slots - 1} if waiting else {}
    request_run(sync, Trigger.SCHEDULE, now, changes, check_everything=sync.check_owed, **slots)


def plan_catch_up(sync: Sync, gap: Gap, now: datetime, at: datetime, changes: Changes) -> Run:
    """Make the one catch-up of a gap; it is asked for at its place in the spread.

    It is the check too that is owed.
    """
    check = sync.check_owed
    run = _new_run(sync, Trigger.CATCH_UP, now, changes, gap=gap, check_everything=check)
    sync.planned = PlannedCatchUp(run_id=run.id, at=at, gap=gap, check_everything=check)
    sync.last_catch_up_id, sync.last_catch_up_at = run.id, now
    request_planned(sync, now, changes)
    return run


def request_planned(sync: Sync, now: datetime, changes: Changes) -> None:
    """Ask for the planned catch-up once its time has come."""
    if sync.planned is None or sync.planned.at > now:
        return
    planned, sync.planned = sync.planned, None
    check = planned.check_everything
    changes.publish(_event(sync, planned.run_id, Trigger.CATCH_UP, None, planned.gap, check=check))


def withdraw_planned(
    sync: Sync, status: RunStatus, summary: str, now: datetime, changes: Changes
) -> None:
    """End a planned catch-up that nobody was asked for yet; its check is owed again."""
    if sync.planned:
        sync.check_owed = sync.check_owed or sync.planned.check_everything
        sync.active_runs.remove(sync.planned.run_id)
        changes.withdrawn.append(WithdrawnRun(sync.planned.run_id, status, summary, now))
        sync.planned = None


def _new_run(sync: Sync, trigger: Trigger, now: datetime, changes: Changes, **about: Any) -> Run:
    run = Run(
        id=new_id("run"),
        workspace_id=sync.workspace_id,
        sync_id=sync.id,
        connection_ids=sync.connection_ids,
        trigger=trigger,
        requested_at=now,
        checked_at=now,
        **about,
    )
    sync.active_runs.append(run.id)
    sync.last_run_id = run.id
    if run.check_everything:
        sync.check_run_id, sync.check_owed = run.id, False
    changes.runs.append(run)
    return run


def _event(
    sync: Sync,
    run_id: str,
    trigger: Trigger,
    slot: datetime | None,
    gap: Gap | None,
    *,
    check: bool = False,
) -> SyncRequested:
    return SyncRequested(
        workspace_id=sync.workspace_id,
        sync_id=sync.id,
        run_id=run_id,
        trigger=trigger,
        slot=slot,
        spec=sync.spec(),
        gap=gap,
        check_everything=check,
    )
