"""What somebody does to a sync by hand, whether to it alone or to many at once."""

from dataclasses import dataclass
from datetime import datetime

from tablesync.contracts import ChangedSyncStatus, RunCancelRequested, RunStatus, Trigger
from tablesync.scheduler import errors
from tablesync.scheduler.domain import pauses
from tablesync.scheduler.domain.changes import Changes, changed
from tablesync.scheduler.domain.full_checks import FullChecks
from tablesync.scheduler.domain.requests import request_run, withdraw_planned
from tablesync.scheduler.domain.syncs import Sync


@dataclass(frozen=True)
class Actor:
    """Who does it, and to which connection, if it is to all syncs of one."""

    operator_id: str
    connection_id: str | None = None


def pause(sync: Sync, by: Actor, now: datetime, changes: Changes) -> bool:
    """Stop a sync until it is resumed; False if it is paused already."""
    if not pauses.pause(sync, now, changes, by=by.operator_id, connection_id=by.connection_id):
        return False
    changes.publish(changed(sync, now))
    return True


def resume(sync: Sync, by: Actor, now: datetime, changes: Changes) -> bool:
    """Let a sync go on with its next slot; False if it is not paused.

    With its connection, only what was paused so: somebody's own pause stays.
    """
    if by.connection_id and (sync.pause is None or sync.pause.connection_id != by.connection_id):
        return False
    if not pauses.resume(sync, now, changes, by=by.operator_id):
        return False
    changes.publish(changed(sync, now))
    return True


def run_now(
    sync: Sync, by: Actor, now: datetime, changes: Changes, checks: FullChecks, *, check: bool
) -> str:
    """Ask for a run, or for a full check; return its id, or that of the check under way.

    Raises Problem 409 with the cause while the sync is held, as its connections have to say before.
    """
    if sync.holds:
        raise errors.sync_held(sync.status, sync.stopped_by, sync.providers)
    if check and sync.check_run_id in sync.active_runs:
        return sync.check_run_id
    about = {"requested_by": by.operator_id, "check_everything": check}
    run = request_run(sync, Trigger.MANUAL, now, changes, **about)
    if check:
        checks.put_off(sync, now)
    return run.id


def delete(sync: Sync, by: Actor, now: datetime, changes: Changes) -> None:
    """Stop a sync's runs, and tell that it is gone; its history and the rows in Airtable stay."""
    withdraw_planned(
        sync, RunStatus.CANCELLED, "The sync was deleted before it began.", now, changes
    )
    for run_id in sync.active_runs:
        changes.publish(cancelled(sync.workspace_id, sync.id, run_id, by.operator_id))
    changes.publish(changed(sync, now, ChangedSyncStatus.DELETED))


def cancelled(workspace_id: str, sync_id: str, run_id: str, operator_id: str) -> RunCancelRequested:
    """Make the event that asks a run to stop."""
    return RunCancelRequested(
        workspace_id=workspace_id, sync_id=sync_id, run_id=run_id, requested_by=operator_id
    )
