"""Pausing and resuming one sync: an operator's own stop, which no reconnect ends."""

from datetime import datetime

from tablesync.contracts import RunStatus
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.claims import count_passed_slots
from tablesync.scheduler.domain.requests import withdraw_planned
from tablesync.scheduler.domain.syncs import ClosedPause, Pause, Sync


def pause(
    sync: Sync,
    now: datetime,
    changes: Changes,
    *,
    by: str | None = None,
    connection_id: str | None = None,
) -> bool:
    """Stop a sync until it is resumed; a run under way goes on. False if it is paused already."""
    if sync.paused:
        return False
    count_passed_slots(sync, now)
    sync.paused, sync.pause = True, Pause(since=now, by=by, connection_id=connection_id)
    if sync.waiting:
        sync.ledger.run_becomes_paused(sync.waiting.slots)
        sync.waiting = None
    withdraw_planned(sync, RunStatus.CANCELLED, "Paused before it began.", now, changes)
    if not sync.holds:
        sync.missed = None
    count_passed_slots(sync, now)
    return True


def resume(sync: Sync, now: datetime, changes: Changes, *, by: str | None = None) -> bool:
    """Go on with the next slot from now; False if it is not paused."""
    if not sync.paused:
        return False
    count_passed_slots(sync, now)
    if sync.pause:
        whose = {"sync_id": sync.id, "workspace_id": sync.workspace_id}
        ended = ClosedPause(**dict(sync.pause), **whose, until=now, ended_by=by)
        changes.pauses.append(ended)
    sync.paused, sync.pause = False, None
    return True
