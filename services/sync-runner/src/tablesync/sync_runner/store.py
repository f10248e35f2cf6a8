"""The runner's collections and their indexes, and every query about runs."""

from collections.abc import Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel
from tablesync.contracts import RunStatus, SyncRequested
from tablesync.service_kit.messaging.kafka import outlasting_dead_letters
from tablesync.service_kit.mongo import Database, Document, Session, from_now
from tablesync.service_kit.mongo.changes import seconds_until
from tablesync.service_kit.mongo.indexes import Indexes, Retired, expiry
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.mongo.reading import Found, read, read_all
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.sync_runner.errors import RunCancelledError
from tablesync.sync_runner.runs import Run, ended_by

RUNS, CANCELLATIONS, CHECKPOINTS = "runs", "cancellations", "checkpoints"
RECORD_STATES, REJECTIONS, CONNECTIONS = "record_states", "rejections", "connections"
DELETED_SYNCS = "deleted_syncs"
DRY_RUNS = "dry_runs"
# What one transaction forgets: none may get long.
FORGET_AT_ONCE = 1_000

INDEXES: Indexes = {
    RUNS: [
        IndexModel(
            [("target", ASCENDING)],
            name="one_active_run_per_table",
            unique=True,
            partialFilterExpression={"status": RunStatus.RUNNING.value},
        ),
        IndexModel([("status", 1), ("priority", 1), ("queued_at", 1)], name="queue"),
        IndexModel(
            [("status", 1), ("target", 1), ("priority", 1), ("queued_at", 1)],
            name="queue_of_table",
        ),
        IndexModel(
            [("lease_until", 1)],
            name="leases",
            partialFilterExpression={"status": RunStatus.RUNNING.value},
        ),
        IndexModel([("sync_id", 1), ("spec.version", DESCENDING)], name="newest_spec"),
        IndexModel([("sync_id", 1), ("status", 1)], name="of_sync"),
    ],
    RECORD_STATES: [
        IndexModel(
            [("sync_id", 1), ("key", 1)],
            name="by_key",
            partialFilterExpression={"key": {"$exists": True}},
        ),
        IndexModel([("sync_id", 1), ("row_id", 1)], name="by_row"),
        IndexModel(
            [("sync_id", 1), ("former_key", 1)],
            name="by_former_key",
            partialFilterExpression={"former_key": {"$exists": True}},
        ),
        IndexModel(
            [("sync_id", 1), ("source_id", 1)],
            name="rejected",
            partialFilterExpression={"rejected": True},
        ),
        IndexModel(
            [("sync_id", 1), ("source_id", 1)],
            name="gone",
            partialFilterExpression={"gone": {"$exists": True}},
        ),
    ],
    REJECTIONS: [
        IndexModel([("run_id", 1), ("source_id", 1)], name="of_run", unique=True),
        IndexModel([("sync_id", 1), ("source_id", 1), ("at", DESCENDING)], name="of_record"),
        Retired("of_sync"),
    ],
    DRY_RUNS: [
        IndexModel([("due_at", 1)], name="due", partialFilterExpression={"open": True}),
        IndexModel(
            [("workspace_id", 1)], name="open_of_workspace", partialFilterExpression={"open": True}
        ),
    ],
    DELETED_SYNCS: [
        IndexModel(
            [("left", 1), ("due_at", 1)], name="left", partialFilterExpression={"left": True}
        ),
    ],
}


def expiries(*, runs_days: int, rejections_days: int, dry_runs_days: int) -> Indexes:
    """Return what has runs expire that have ended, what stops late ones, and rejections."""
    stops_days = outlasting_dead_letters(runs_days)
    return {
        RUNS: [expiry("ended_at", runs_days)],
        CANCELLATIONS: [expiry("at", stops_days)],
        DELETED_SYNCS: [expiry("forgotten_at", stops_days)],
        REJECTIONS: [expiry("at", rejections_days)],
        DRY_RUNS: [expiry("ended_at", dry_runs_days)],
    }


def owned_by(lease: Lease) -> Document:
    """Return the filter by which only the present owner's writes find the run."""
    return {
        "_id": lease.name,
        "fence": lease.fence,
        "owner": lease.owner,
        "status": RunStatus.RUNNING.value,
    }


class Runs:
    """The runs; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self._runs = database[RUNS]
        self._cancellations = database[CANCELLATIONS]
        self._deleted = DeletedSyncs(database)

    async def find(self, run_id: str, session: Session | None = None) -> Run | None:
        """Return one run of any workspace; raises UnreadableDocumentError."""
        return await self._find({"_id": run_id}, session)

    async def find_of(self, workspace_id: str, run_id: str) -> Run | None:
        """Return one run of a workspace; raises UnreadableDocumentError."""
        return await self._find({"_id": run_id, "workspace_id": workspace_id})

    async def newest_of(self, sync_id: str) -> Run | None:
        """Return a run of a sync, of any workspace, with the newest spec that is kept."""
        query = {"sync_id": sync_id, "spec.version": {"$type": "number"}}
        row = await self._runs.find_one(query, sort=[("spec.version", DESCENDING)])
        return read(self._runs, Run.from_document, row) if row else None

    async def find_all(self, run_ids: Sequence[str]) -> Found[Run]:
        """Return the runs with these ids, unknown ones left out."""
        rows = await self._runs.find({"_id": {"$in": list(run_ids)}}).to_list(None)
        return read_all(self._runs, Run.from_document, rows)

    async def record(self, unit: UnitOfWork, event: SyncRequested) -> None:
        """Put a run in the queue, once; a cancellation or deletion before it ends it here."""
        run = Run.requested(event, unit.now)
        await self._runs.update_one(
            {"_id": run.id}, {"$setOnInsert": run.to_document()}, upsert=True, session=unit.session
        )
        if await self._is_unwanted(run, unit.session):
            await self._cancel_queued(unit, run.id)

    async def request_cancel(self, unit: UnitOfWork, run_id: str) -> None:
        """End a run that waits; mark one that runs, or is not known yet, to be cancelled."""
        await self._cancellations.update_one(
            {"_id": run_id}, {"$setOnInsert": {"at": unit.now}}, upsert=True, session=unit.session
        )
        if not await self._cancel_queued(unit, run_id):
            await self._runs.update_one(
                {"_id": run_id}, {"$set": {"cancel_requested": True}}, session=unit.session
            )

    async def open_of(self, sync_id: str, limit: int) -> list[str]:
        """Return the ids of runs of a sync that wait or run."""
        query = {"sync_id": sync_id, "status": {"$in": [RunStatus.QUEUED, RunStatus.RUNNING]}}
        found = self._runs.find(query, {"_id": 1}, limit=limit)
        return [row["_id"] async for row in found]

    async def change(self, lease: Lease, changes: Document, session: Session) -> bool:
        """Change a run that is still its owner's; False if it is another's now."""
        result = await self._runs.update_one(owned_by(lease), {"$set": changes}, session=session)
        return bool(result.matched_count)

    async def _find(self, query: Document, session: Session | None = None) -> Run | None:
        found = await self._runs.find_one(query, session=session)
        return read(self._runs, Run.from_document, found) if found else None

    async def _is_unwanted(self, run: Run, session: Session) -> bool:
        cancelled = await self._cancellations.find_one({"_id": run.id}, session=session)
        return cancelled is not None or await self._deleted.include(run.sync_id, session)

    async def _cancel_queued(self, unit: UnitOfWork, run_id: str) -> bool:
        run = await self.find(run_id, unit.session)
        if run is None or run.status is not RunStatus.QUEUED:
            return False
        ending = ended_by(RunCancelledError(), begun=False)
        await self._runs.update_one(
            {"_id": run_id}, {"$set": ending.fields(unit.now)}, session=unit.session
        )
        unit.publish(ending.event(run, unit.now))
        return True


class DeletedSyncs:
    """The syncs that were deleted, remembered for as long as a request of theirs may still come.

    One of which something is `left` to be forgotten is a job, whose due time is also its lease.
    """

    def __init__(self, database: Database) -> None:
        self._rows = database[DELETED_SYNCS]

    async def remember(self, unit: UnitOfWork, sync_id: str, workspace_id: str) -> None:
        """Remember a deletion; a second time nothing happens."""
        row = {"workspace_id": workspace_id, "at": unit.now, "due_at": unit.now, "left": True}
        await self._rows.update_one(
            {"_id": sync_id}, {"$setOnInsert": row}, upsert=True, session=unit.session
        )

    async def include(self, sync_id: str, session: Session) -> bool:
        """Whether a sync was deleted."""
        return await self._rows.find_one({"_id": sync_id}, {"_id": 1}, session=session) is not None

    async def take(self, seconds: float) -> str | None:
        """Return the sync of which something is left and that has waited longest, if any is due.

        It is due again so much later, here or elsewhere.
        """
        row = await self._rows.find_one_and_update(
            {"left": True, "$expr": {"$lte": ["$due_at", "$$NOW"]}},
            [{"$set": {"due_at": from_now(seconds)}}],
            {"_id": 1},
            sort=[("due_at", ASCENDING)],
        )
        return str(row["_id"]) if row else None

    async def seconds_until_due(self) -> float:
        """Return how long no sync has its turn, at most until the next poll."""
        return await seconds_until(self._rows, "due_at", {"left": True})

    async def put_back(self, sync_id: str) -> None:
        """Let a sync of which something is left have its turn again at once."""
        await self._rows.update_one({"_id": sync_id}, [{"$set": {"due_at": "$$NOW"}}])

    async def finish(self, sync_id: str) -> None:
        """Note that nothing is left of a sync."""
        done: list[Document] = [{"$set": {"forgotten_at": "$$NOW"}}, {"$unset": ["left", "due_at"]}]
        await self._rows.update_one({"_id": sync_id}, done)
