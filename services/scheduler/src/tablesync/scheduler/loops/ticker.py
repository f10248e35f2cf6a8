"""The ticker role: claims what is due, and says how long there is nothing to do.

Claims are optimistic: of two transactions that claim one sync, one is refused and reads again.
"""

from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.claims import claim
from tablesync.scheduler.domain.holds import follow_connections
from tablesync.scheduler.store import Store
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

BATCH = 500
BATCHES = 10
# Another process may plan something earlier than what this one waits for.
LONGEST_WAIT_SECONDS = 1.0


class Ticker:
    """Claims due syncs in batches; any number of tickers may do so side by side."""

    def __init__(self, units: UnitsOfWork, store: Store) -> None:
        self._units = units
        self._store = store

    async def tick(self) -> float:
        """Claim what is due now; return the seconds until the next slot, at most 1.

        A backlog of many batches is left to the next tick, so that a tick ends soon.
        """
        for _ in range(BATCHES):
            seconds = await self._seconds_left()
            if seconds > 0:
                return min(seconds, LONGEST_WAIT_SECONDS)
            await self._units.run(self.claim_batch)
        return 0.0

    async def claim_batch(self, unit: UnitOfWork) -> int:
        """Claim up to 500 due syncs in one transaction; return how many there were.

        A sync whose connection is held by now is marked instead, whether or not the job that
        marks them all has reached it.
        """
        syncs = await self._store.syncs.due(BATCH, unit.session)
        needed = (connection_id for sync in syncs for connection_id in sync.connection_ids)
        held = await self._store.connections.held_among(needed, unit.session)
        changes = Changes()
        for sync in syncs:
            if not follow_connections(sync, held, unit.now, changes):
                claim(sync, unit.now, changes)
        await self._store.save(unit, syncs, changes)
        return len(syncs)

    async def _seconds_left(self) -> float:
        seconds = await self._store.syncs.seconds_until_due()
        return LONGEST_WAIT_SECONDS if seconds is None else seconds
