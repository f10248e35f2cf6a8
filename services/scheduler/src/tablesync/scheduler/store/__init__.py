"""The scheduler's documents in MongoDB: every read and write of them, and their indexes."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from tablesync.contracts import SyncRequested
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store import bulk_changes, connections, drafts, gaps, pauses, runs, syncs
from tablesync.scheduler.store.bulk_changes import BulkChangeStore
from tablesync.scheduler.store.connection_uses import ConnectionUses
from tablesync.scheduler.store.connections import ConnectionStore
from tablesync.scheduler.store.drafts import DraftStore
from tablesync.scheduler.store.gaps import GapStore
from tablesync.scheduler.store.pauses import PauseStore
from tablesync.scheduler.store.receipts import ReceiptStore
from tablesync.scheduler.store.runs import RunStore
from tablesync.scheduler.store.sync_lists import SyncLists
from tablesync.scheduler.store.syncs import SyncStore
from tablesync.service_kit.messaging import outbox
from tablesync.service_kit.mongo import Database, database_now
from tablesync.service_kit.mongo.indexes import Indexes, expiry
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

_KINDS = (syncs, connections, runs, gaps, pauses, bulk_changes, drafts)
INDEXES: Indexes = {
    **{each.COLLECTION: each.INDEXES for each in _KINDS},
    bulk_changes.CHUNKS: bulk_changes.CHUNK_INDEXES,
}


def expiries(*, runs_days: int, gaps_days: int) -> Indexes:
    """Return what has runs expire that have ended, and gaps and pauses that are over."""
    return {
        runs.COLLECTION: [expiry("ended_at", runs_days)],
        gaps.COLLECTION: [expiry("gap.to", gaps_days)],
        pauses.COLLECTION: [expiry("until", gaps_days)],
    }


class Store:
    """What is stored, by kind; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.syncs = SyncStore(database)
        self.uses = ConnectionUses(self.syncs.collection)
        self.lists = SyncLists(self.syncs.collection)
        self.connections = ConnectionStore(database)
        self.runs = RunStore(database)
        self.gaps = GapStore(database)
        self.pauses = PauseStore(database)
        self.receipts = ReceiptStore(database)
        self.bulk = BulkChangeStore(database)
        self.drafts = DraftStore(database)

    async def now(self) -> datetime:
        """Return the time by the database's clock."""
        return await database_now(self.database)

    async def save(
        self, unit: UnitOfWork, changed: Iterable[Sync], changes: Changes | None = None
    ) -> None:
        """Store syncs that were read in this transaction, and what was decided with them."""
        await self.syncs.save(changed, unit.session)
        if changes:
            await self.runs.insert(changes.runs, unit.session)
            await self.runs.withdraw(changes.withdrawn, unit.session)
            await self.gaps.insert(changes.gaps, unit.session)
            await self.pauses.insert(changes.pauses, unit.session)
            unit.publish(*changes.events)

    async def unsent(self, asked: Sequence[Run]) -> set[str]:
        """Return those of the runs that no runner can know of: planned, or of syncs whose requests
        still wait in the outbox.

        The plan is read first: a catch-up leaves it in the transaction that stores its request.
        """
        sync_ids = sorted({run.sync_id for run in asked})
        planned = await self.syncs.planned_among(sync_ids)
        waiting = await outbox.unpublished(self.database, SyncRequested.topic, sync_ids)
        return {run.id for run in asked if run.id in planned or run.sync_id in waiting}
