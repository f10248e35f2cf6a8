"""What the notifier knows of holds, catch-ups and deletions: what a recovery mail reports."""

from tablesync.contracts import (
    RunEvent,
    RunFailureCause,
    RunStatus,
    SyncChanged,
    SyncFailed,
    SyncHeld,
    SyncInterrupted,
    SyncReleased,
    SyncSucceeded,
    Trigger,
)
from tablesync.notifier.models import CatchUpEnd, HoldState
from tablesync.notifier.store import Store
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Syncs:
    """Remembers what becomes of syncs on hold."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take_hold(self, event: SyncHeld | SyncReleased, unit: UnitOfWork) -> bool:
        """Take a sync's hold state; False if a newer one is known."""
        if await self._store.hold_sequence(event.sync_id, unit.session) >= event.sequence:
            return False
        await self._store.save_hold(_hold_state(event), unit.session)
        return True

    async def take_deletion(self, event: SyncChanged, unit: UnitOfWork) -> None:
        """Remember a sync's deletion: events that were on their way say nothing any more."""
        if await self._store.hold_sequence(event.sync_id, unit.session) < event.sequence:
            await self._store.note_deletion(event.sync_id, event.sequence, unit.now, unit.session)

    async def record_end(self, event: RunEvent, unit: UnitOfWork) -> None:
        """Keep how a catch-up ended; other runs are not reported."""
        status = _end(event)
        if event.trigger is not Trigger.CATCH_UP or status is None:
            return
        end = CatchUpEnd(
            run_id=event.run_id,
            sync_id=event.sync_id,
            status=status,
            counts=event.counts,
            received_at=unit.now,
        )
        await self._store.save_catch_up(end, unit.session)


def _end(event: RunEvent) -> RunStatus | None:
    """Name the end of a run; one that was handed on at a shutdown has not ended."""
    match event:
        case SyncSucceeded():
            return RunStatus.SUCCEEDED
        case SyncFailed(cause=RunFailureCause.SHUTDOWN):
            return None
        case SyncInterrupted(cause=RunFailureCause.SHUTDOWN):
            return None
        case SyncFailed():
            return RunStatus.FAILED
        case SyncInterrupted():
            return RunStatus(event.outcome)
        case _:
            return None


def _hold_state(event: SyncHeld | SyncReleased) -> HoldState:
    return HoldState(
        sync_id=event.sync_id,
        workspace_id=event.workspace_id,
        name=event.name,
        sequence=event.sequence,
        held=isinstance(event, SyncHeld),
        hold=event.hold,
        gap=event.gap,
        catch_up_run_id=event.catch_up_run_id if isinstance(event, SyncReleased) else None,
    )
