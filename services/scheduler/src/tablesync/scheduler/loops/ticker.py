"""The ticker role: claims what is due, and says how long there is nothing to do.

Claims are optimistic: of two transactions that claim one sync, one is refused and reads again.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.claims import claim
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.full_checks import FullChecks
from tablesync.scheduler.domain.holds import follow_connections
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store import Store
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.mongo.batch_size import BatchSize
from tablesync.service_kit.mongo.reading import alone
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

log = structlog.get_logger()

BATCH = 500
BATCHES = 10


class Ticker:
    """Claims due syncs in batches; any number of tickers may do so side by side."""

    def __init__(self, units: UnitsOfWork, store: Store, checks: FullChecks) -> None:
        self._units = units
        self._store = store
        self._checks = checks
        self._batch = BatchSize(BATCH)

    async def tick(self) -> float:
        """Claim what is due now; return the seconds until the next slot.

        A backlog of many batches is left to the next tick, so that a tick ends soon.
        """
        for _ in range(BATCHES):
            seconds = await self._store.syncs.seconds_until_due()
            if seconds > 0:
                return seconds
            with self._batch.fitted() as limit:
                await self._claim_some(limit)
        return 0.0

    async def claim_batch(self, limit: int, unit: UnitOfWork) -> int:
        """Claim up to so many due syncs in one transaction; return how many there were.

        A sync whose connection is held by now, or lacks what it needs, is marked instead, whether
        or not the job that marks them all has reached it. One that cannot be read, or whose
        connection cannot, is put back: its slots are accounted for when it can.
        """
        due = await self._store.syncs.due(limit, unit.session)
        deciding = await self._store.connections.deciding_for(due.items, unit.session)
        clear = [sync for sync in due.items if deciding.can_tell_of(sync)]
        await self._claim(unit, clear, deciding.known)
        blocked = [sync.id for sync in due.items if not deciding.can_tell_of(sync)]
        await self._store.syncs.put_back([*due.unread_ids, *blocked], unit.session)
        return len(due)

    async def _claim_some(self, limit: int) -> None:
        """Claim a batch; where that fails, each sync by itself, so that only the one waits."""
        try:
            await self._units.run(partial(self.claim_batch, limit))
        except Exception as error:
            if is_unavailable(error):
                raise
            log.warning("batch not claimed: each sync by itself", error=type(error).__name__)
            await self._claim_one_by_one(limit)

    async def _claim_one_by_one(self, limit: int) -> None:
        syncs = self._store.syncs
        for sync_id in await syncs.due_ids(limit):
            claimed = self._units.run(partial(self._claim_one, sync_id))
            if not await alone(syncs.collection, sync_id, claimed):
                await syncs.put_back([sync_id])

    async def _claim_one(self, sync_id: str, unit: UnitOfWork) -> None:
        sync = await self._store.syncs.get(sync_id, unit.session)
        if sync is not None and sync.claimable:
            deciding = await self._store.connections.deciding_among(
                sync.connection_ids, unit.session
            )
            await self._claim(unit, [sync], deciding)

    async def _claim(
        self, unit: UnitOfWork, syncs: Sequence[Sync], deciding: Mapping[str, Connection]
    ) -> None:
        changes = Changes()
        for sync in syncs:
            if not follow_connections(sync, deciding, unit.now, changes):
                self._checks.look(sync, unit.now)
                claim(sync, unit.now, changes)
        await self._store.save(unit, syncs, changes)
