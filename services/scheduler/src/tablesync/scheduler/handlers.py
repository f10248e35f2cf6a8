"""What each event changes; a handler takes one event and works in its unit of work."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tablesync.contracts import (
    ConnectionEvent,
    RunFailureCause,
    RunStatus,
    SyncFailed,
    SyncInterrupted,
    SyncStarted,
    SyncSucceeded,
)
from tablesync.scheduler.domain import connections, holds, run_outcomes
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.run_outcomes import Report
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store import Store
from tablesync.service_kit.mongo.reading import UnreadableDocumentError
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Handlers:
    """The event handlers; each is harmless when its event comes again, inbox or not."""

    def __init__(self, store: Store, catch_up_at: Callable[[datetime], datetime]) -> None:
        self._store = store
        self._catch_up_at = catch_up_at

    async def on_connection_event(self, event: ConnectionEvent, unit: UnitOfWork) -> None:
        """Keep the newest state; the job passes it on to the syncs.

        It takes the place of an older one even where that cannot be read.
        """
        known = await self._known_before(event, unit)
        state = connections.follow(known, event)
        if state is not None:
            await self._store.connections.save(state, unit.session)

    async def _known_before(self, event: ConnectionEvent, unit: UnitOfWork) -> Connection | None:
        id_, sequence = event.connection_id, event.sequence
        try:
            return await self._store.connections.get(id_, unit.session)
        except UnreadableDocumentError:
            if await self._store.connections.is_older(id_, sequence, unit.session):
                return None
            raise

    async def on_sync_started(self, event: SyncStarted, unit: UnitOfWork) -> None:
        """Show that the run is under way."""
        report = Report(RunStatus.RUNNING, started_at=event.started_at)
        await self.apply_report(event.run_id, report, unit)

    async def on_sync_succeeded(self, event: SyncSucceeded, unit: UnitOfWork) -> None:
        """Close the run's line, and start what waited for it."""
        await self.apply_report(event.run_id, _end(event, RunStatus.SUCCEEDED), unit)

    async def on_sync_failed(self, event: SyncFailed, unit: UnitOfWork) -> None:
        """Close the run's line; hold the sync if something it needs is missing."""
        cancelled = event.cause is RunFailureCause.CANCELLED
        status = RunStatus.CANCELLED if cancelled else RunStatus.FAILED
        await self.apply_report(event.run_id, _end(event, status), unit)

    async def on_sync_interrupted(self, event: SyncInterrupted, unit: UnitOfWork) -> None:
        """Close the run's line and move its slot to the gap."""
        await self.apply_report(event.run_id, _end(event, RunStatus(event.outcome)), unit)

    async def apply_report(self, run_id: str, report: Report, unit: UnitOfWork) -> None:
        """Apply what is said about a run, from an event or from sync-runner's answer."""
        run = await self._store.runs.get(run_id, unit.session)
        if run is None:
            return
        sync = await self._store.syncs.get(run.sync_id, unit.session)
        changes = Changes()
        if sync is not None:
            deciding = await self._store.connections.deciding_among(
                sync.connection_ids, unit.session
            )
            holds.follow_connections(sync, deciding, unit.now, changes)
        if not run_outcomes.apply(report, run, sync, unit.now, changes):
            return
        if sync is not None and run.ended:
            await self._follow_up(run, sync, unit, changes)
        await self._store.runs.save(run, unit.session)
        await self._store.save(unit, [sync] if sync else [], changes)

    async def _follow_up(self, run: Run, sync: Sync, unit: UnitOfWork, changes: Changes) -> None:
        if sync.missed and not sync.holds and await self._back_since(run, sync, unit):
            holds.catch_up_late(sync, unit.now, self._catch_up_at(unit.now), changes)

    async def _back_since(self, run: Run, sync: Sync, unit: UnitOfWork) -> bool:
        """Whether a connection was lost and is back since the run was stopped.

        If not, the news of the loss is still on its way: the hold will take care, or else the
        reconciliation will.
        """
        known = [
            await self._store.connections.get(each, unit.session) for each in sync.connection_ids
        ]
        states = [each for each in known if each]
        newest = max((each.changed_at for each in states), default=None)
        usable = bool(states) and not any(each.held for each in states)
        return usable and newest is not None and run.ended_at is not None and newest >= run.ended_at


def _end(event: SyncSucceeded | SyncFailed | SyncInterrupted, status: RunStatus) -> Report:
    stopped_by = {} if isinstance(event, SyncSucceeded) else _why(event)
    return Report(
        status,
        summary=event.summary,
        counts=event.counts,
        found=event.found,
        started_at=event.started_at,
        ended_at=event.ended_at,
        **stopped_by,
    )


def _why(event: SyncFailed | SyncInterrupted) -> dict[str, Any]:
    retry_at = event.retry_at if isinstance(event, SyncFailed) else None
    return {"cause": event.cause, "connection_id": event.connection_id, "retry_at": retry_at}
