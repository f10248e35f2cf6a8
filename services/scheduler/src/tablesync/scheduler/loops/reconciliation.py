"""Reconciliation, in the worker role: compensating reads, for what events failed to say."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from tablesync.contracts import RunFailureCause, RunStatus
from tablesync.contracts.internal_api import RunState
from tablesync.scheduler.clients.sync_runner import SyncRunnerClient
from tablesync.scheduler.domain import holds
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.run_outcomes import Report
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.handlers import Handlers
from tablesync.scheduler.known_states import KnownStates
from tablesync.scheduler.store import Store
from tablesync.service_kit.mongo.leases import Leases
from tablesync.service_kit.mongo.reading import alone
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.roles import unless_stopped

log = structlog.get_logger()

EVERY_SECONDS = 60.0
OVERDUE_SECONDS = 120.0
BATCH = 100
# A run that sync-runner did not know of so often, two minutes apart, is in nobody's queue any more.
# Answers are counted, not minutes: in these either service, or Kafka, may have been away. That a
# request was published and is yet unread is not seen; the run's real end then puts this right.
LOST_AFTER = 8
LOST = Report(
    RunStatus.FAILED,
    summary="No runner knows of this run: its request was lost or refused as unreadable.",
    cause=RunFailureCause.INTERNAL,
    presumed=True,
)


class Reconciliation:
    """Compares states with auth-service and overdue runs with sync-runner."""

    def __init__(
        self,
        units: UnitsOfWork,
        store: Store,
        states: KnownStates,
        runner: SyncRunnerClient,
        handlers: Handlers,
        catch_up_at: Callable[[datetime], datetime],
    ) -> None:
        self._units = units
        self._store = store
        self._states = states
        self._runner = runner
        self._handlers = handlers
        self._catch_up_at = catch_up_at

    async def run(self, stop: asyncio.Event) -> None:
        """Reconcile every minute until `stop`, in one process of all."""
        leases = Leases(self._store.database)
        while not stop.is_set():
            # Never given back: it lapses when the next round is due, here or elsewhere.
            if await _held_or_none(leases, stop):
                await self._try(self.connections, stop)
                await self._try(self.runs, stop)
                # A version before this one that runs beside takes places away.
                await self._try(self._store.lists.complete, stop)
            await unless_stopped(asyncio.sleep(EVERY_SECONDS / 10), stop)

    async def _try(self, part: Callable[[], Any], stop: asyncio.Event) -> None:
        try:
            await unless_stopped(part(), stop)
        except Exception as error:
            log.warning("not reconciled", part=part.__name__, error=repr(error))

    async def connections(self) -> None:
        """Take over newer states; then catch up what was stopped although nothing is held."""
        asked_at = await self._store.now()
        await self._states.refresh()
        syncs, after = self._store.syncs, ""
        while sync_ids := await syncs.owing(after, BATCH):
            after = sync_ids[-1]
            for sync_id in sync_ids:
                work = self._units.run(partial(self._catch_up_owed, sync_id, asked_at))
                await alone(syncs.collection, sync_id, work)

    async def _catch_up_owed(self, sync_id: str, asked_at: datetime, unit: UnitOfWork) -> None:
        """A run was stopped before `asked_at`, and auth-service says that all is well since."""
        sync = await self._store.syncs.get(sync_id, unit.session)
        if sync is None or sync.holds or sync.missed is None:
            return
        deciding = await self._store.connections.deciding_among(sync.connection_ids, unit.session)
        if holds.holds_on(sync, deciding, unit.now):
            return
        last = await self._store.runs.get(sync.last_run_id or "", unit.session)
        if last and last.ended_at and last.ended_at > asked_at:
            return
        changes = Changes()
        holds.catch_up_late(sync, unit.now, self._catch_up_at(unit.now), changes)
        await self._store.save(unit, [sync], changes)

    async def runs(self) -> None:
        """Ask sync-runner about each open run that nothing was heard of for two minutes."""
        while overdue := await self._store.runs.overdue(OVERDUE_SECONDS, BATCH):
            run_ids = [*(run.id for run in overdue.items), *overdue.unread_ids]
            told = await self._runner.run_states(run_ids)
            for state in told.items:
                if state.status is not RunStatus.QUEUED:
                    await self._apply(state.run_id, _report(state))
            await self._store.runs.mark_checked(run_ids)
            unknown = told.unknown(run_ids)
            await self._note_unknown([run for run in overdue.items if run.id in unknown])

    async def _note_unknown(self, unknown: Sequence[Run]) -> None:
        """Count that these are unknown, unless they were not sent yet; presume the lost ones."""
        unsent = await self._store.unsent(unknown)
        sent = [run for run in unknown if run.id not in unsent]
        await self._store.runs.count_unknown([run.id for run in sent])
        for run in sent:
            if run.times_unknown + 1 >= LOST_AFTER:
                await self._apply(run.id, LOST)

    async def _apply(self, run_id: str, report: Report) -> None:
        """Apply a report; a run that cannot be read, or whose sync cannot, waits for another."""
        work = self._units.run(partial(self._handlers.apply_report, run_id, report))
        await alone(self._store.runs.collection, run_id, work)


def _report(state: RunState) -> Report:
    return Report(
        state.status,
        summary=state.summary,
        counts=state.counts,
        found=state.found,
        started_at=state.started_at,
        ended_at=state.ended_at,
        cause=state.cause,
        connection_id=state.connection_id,
        retry_at=state.retry_at,
    )


async def _held_or_none(leases: Leases, stop: asyncio.Event) -> bool:
    try:
        return bool(await unless_stopped(leases.acquire("reconciliation", EVERY_SECONDS), stop))
    except Exception as error:
        log.warning("not reconciled", part="lease", error=repr(error))
        return False
