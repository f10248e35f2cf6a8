"""Hold jobs, in the worker role: resumable batches that pass a connection's state on to its syncs.

The one document of the connection has decided already. A chunk and the place it has reached are
one transaction, so that a job goes on where it was killed.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from tablesync.scheduler.domain import holds
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.jitter import Jitter
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store import Store
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

CHUNK = 500
ROUNDS = 10
CONNECTIONS = 4
LONGEST_WAIT_SECONDS = 1.0


class HoldJobs:
    """Marks or releases every sync of each connection whose state has changed."""

    def __init__(
        self,
        units: UnitsOfWork,
        store: Store,
        jitter: Jitter,
        after_chunk: Callable[[], None] = lambda: None,
    ) -> None:
        self._units = units
        self._store = store
        self._jitter = jitter
        self._after_chunk = after_chunk

    async def tick(self) -> float:
        """Work on the jobs, a chunk of each in turn; return the seconds to wait.

        What is left of many chunks is left to the next tick, so that a tick ends soon.
        """
        for _ in range(ROUNDS):
            jobs = await self._store.connections.with_job(CONNECTIONS)
            if not jobs:
                return LONGEST_WAIT_SECONDS
            for connection_id in jobs:
                await self.work_chunk(connection_id)
                self._after_chunk()
        return 0.0

    async def work_chunk(self, connection_id: str) -> None:
        """Mark or release the next syncs of a connection, at most 500."""

        async def work(unit: UnitOfWork) -> None:
            connection = await self._store.connections.get(connection_id, unit.session)
            if connection is not None and connection.job is not None:
                await self._pass_on(connection, connection.job, unit)

        await self._units.run(work)

    async def _pass_on(self, connection: Connection, after: str, unit: UnitOfWork) -> None:
        syncs = await self._store.syncs.dependents(connection.id, after, CHUNK, unit.session)
        changes = Changes()
        if connection.held:
            why = connection.hold
            changed = [sync for sync in syncs if holds.hold(sync, why, unit.now, changes)]
        else:
            changed = await self._let_go(syncs, connection.id, unit, changes)
        await self._store.save(unit, changed, changes)
        connection.job = syncs[-1].id if len(syncs) == CHUNK else None
        await self._store.connections.save(connection, unit.session)

    async def _let_go(
        self, syncs: Sequence[Sync], connection_id: str, unit: UnitOfWork, changes: Changes
    ) -> list[Sync]:
        """Release syncs, except those of which another connection is held by now."""
        gone = holds.of_connection(connection_id)
        others = {each for sync in syncs for each in sync.connection_ids}
        held = await self._store.connections.held_among(others, unit.session)
        changed = []
        for sync in syncs:
            at = self._jitter.moment(unit.now, len(syncs))
            followed = holds.follow_connections(sync, held, unit.now, changes)
            released = holds.release(sync, gone, unit.now, at, changes)
            looks = _look_again(sync, unit.now)
            catches_up = _catch_up(sync, unit.now, at, changes)
            if followed or released or looks or catches_up:
                changed.append(sync)
        return changed


def _look_again(sync: Sync, now: datetime) -> bool:
    """A fresh grant may have brought back what the sync is held for."""
    if any(holds.of_contents(each) for each in sync.holds):
        sync.recheck_at = now
        return True
    return False


def _catch_up(sync: Sync, now: datetime, at: datetime, changes: Changes) -> bool:
    """A run was stopped although the sync was never marked: quick losses and returns."""
    if sync.holds or sync.missed is None:
        return False
    holds.catch_up_late(sync, now, at, changes)
    return True
