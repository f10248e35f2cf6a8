"""Hold jobs, in the worker role: resumable batches that pass a connection's state on to its syncs.

The one document of the connection has decided already. A chunk and the place it has reached are
one transaction, so that a job goes on where it was killed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from tablesync.contracts import Hold
from tablesync.scheduler.domain import holds
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.loops.jitter import Jitter
from tablesync.scheduler.store import Store
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.mongo.batch_size import BatchSize
from tablesync.service_kit.mongo.changes import POLL_SECONDS
from tablesync.service_kit.mongo.reading import alone
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

CHUNK = 500
ROUNDS = 10
CONNECTIONS = 4


class HoldJobs:
    """Marks or releases every sync of each connection whose state has changed."""

    def __init__(self, units: UnitsOfWork, store: Store, jitter: Jitter) -> None:
        self._units = units
        self._store = store
        self._jitter = jitter
        self._chunk = BatchSize(CHUNK)

    async def tick(self) -> float:
        """Work on the jobs, a chunk of each in turn; return the seconds to wait.

        What is left of many chunks is left to the next tick, so that a tick ends soon.
        """
        for _ in range(ROUNDS):
            jobs = await self._store.connections.with_job(CONNECTIONS)
            if not jobs:
                return POLL_SECONDS
            for connection_id in jobs:
                await self.work_chunk(connection_id)
        return 0.0

    async def work_chunk(self, connection_id: str) -> None:
        """Mark or release the next syncs of a connection, at most 500; each alone if that fails."""
        with self._chunk.fitted() as limit:
            await self._work_chunk(connection_id, limit)

    async def _work_chunk(self, connection_id: str, limit: int) -> None:
        connections = self._store.connections
        try:
            await self._units.run(partial(self._tell_chunk, connection_id, limit))
        except Exception as error:
            if is_unavailable(error):
                raise
            one_by_one = self._tell_one_by_one(connection_id, limit)
            if not await alone(connections.collection, connection_id, one_by_one):
                await connections.put_job_back(connection_id)

    async def _tell_chunk(self, connection_id: str, limit: int, unit: UnitOfWork) -> None:
        connection = await self._store.connections.get(connection_id, unit.session)
        if connection is None or connection.job is None:
            return
        after = connection.job
        found = await self._store.syncs.dependents(connection_id, after, limit, unit.session)
        told = await self._tell(connection, found.items, unit)
        last = max((*(sync.id for sync in found.items), *found.unread_ids), default=after)
        connection.advance_job(
            last if len(found) == limit else None, unit.now, passed_over=told < len(found)
        )
        await self._store.connections.save(connection, unit.session)

    async def _tell_one_by_one(self, connection_id: str, limit: int) -> None:
        """Tell the syncs of a chunk, each in a transaction of its own, and pass over what fails."""
        connection = await self._store.connections.get(connection_id)
        if connection is None or connection.job is None:
            return
        syncs, told = self._store.syncs, 0
        sync_ids = await syncs.dependent_ids(connection_id, connection.job, limit)
        for sync_id in sync_ids:
            telling = self._units.run(partial(self._tell_one, connection_id, sync_id))
            told += await alone(syncs.collection, sync_id, telling)
        last = sync_ids[-1] if len(sync_ids) == limit else None

        async def advance(unit: UnitOfWork) -> None:
            now = await self._store.connections.get(connection_id, unit.session)
            if now == connection:  # what has changed meanwhile begins anew
                now.advance_job(last, unit.now, passed_over=told < len(sync_ids))
                await self._store.connections.save(now, unit.session)

        await self._units.run(advance)

    async def _tell_one(self, connection_id: str, sync_id: str, unit: UnitOfWork) -> None:
        connection = await self._store.connections.get(connection_id, unit.session)
        sync = await self._store.syncs.get(sync_id, unit.session)
        if connection is not None and sync is not None:
            await self._tell(connection, [sync], unit)

    async def _tell(self, connection: Connection, syncs: Sequence[Sync], unit: UnitOfWork) -> int:
        """Mark or release syncs; return how many of them were told."""
        changes = Changes()
        if connection.held:
            why = connection.hold
            changed = [sync for sync in syncs if holds.hold(sync, why, unit.now, changes)]
            await self._store.save(unit, changed, changes)
            return len(syncs)
        deciding = await self._store.connections.deciding_for(syncs, unit.session)
        clear = [sync for sync in syncs if deciding.can_tell_of(sync)]
        changed = self._settle(clear, connection, deciding.known, unit.now, changes)
        await self._store.save(unit, changed, changes)
        return len(clear)

    def _settle(
        self,
        syncs: Sequence[Sync],
        connection: Connection,
        deciding: Mapping[str, Connection],
        now: datetime,
        changes: Changes,
    ) -> list[Sync]:
        """Release syncs, except those that lack something now, or of which another is held."""
        changed = []
        for sync in syncs:
            at = self._jitter.moment(now, len(syncs))
            followed = holds.follow_connections(sync, deciding, now, changes)
            released = holds.release(sync, _gone(sync, connection, now), now, at, changes)
            looks = _look_again(sync, connection, now)
            catches_up = _catch_up(sync, now, at, changes)
            if followed or released or looks or catches_up:
                changed.append(sync)
        return changed


def _gone(sync: Sync, connection: Connection, now: datetime) -> Callable[[Hold], bool]:
    """Return what recognises the holds that a connected state ends."""
    is_back = holds.of_connection(connection.id)
    is_granted = holds.granted_again(sync, connection, now)
    return lambda each: is_back(each) or is_granted(each)


def _look_again(sync: Sync, connection: Connection, now: datetime) -> bool:
    """A fresh grant may have brought back what the sync is held for, where it does not say so."""
    can_end = holds.of_contents(sync)
    says = connection.resources is not None
    if any(can_end(each) and not (each.lacks and says) for each in sync.holds):
        sync.recheck_at = now
        return True
    return False


def _catch_up(sync: Sync, now: datetime, at: datetime, changes: Changes) -> bool:
    """A run was stopped although the sync was never marked: quick losses and returns."""
    if sync.holds or sync.missed is None:
        return False
    holds.catch_up_late(sync, now, at, changes)
    return True
