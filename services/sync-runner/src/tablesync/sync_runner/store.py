"""The runner's collections, and the run queue's atomic moves by the database's clock."""

import time
from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError
from tablesync.contracts import RunStatus, SyncRequested
from tablesync.service_kit.mongo import Database, Document, from_now
from tablesync.service_kit.mongo.indexes import Indexes
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.sync_runner.errors import RunCancelledError
from tablesync.sync_runner.runs import Ending, Run, ended_by, new_row

RUNS, CANCELLATIONS, CHECKPOINTS = "runs", "cancellations", "checkpoints"
RECORD_STATES, REJECTIONS, CONNECTIONS = "record_states", "rejections", "connections"
# Topics keep 7 days; runs and what belongs to them outlive their messages by 23 more.
KEEP_SECONDS = 30 * 24 * 3600
# A takeover waits for the lease and for a request that was sent in its last moment.
REQUEST_SHARE = 1 / 3

INDEXES: Indexes = {
    RUNS: [
        IndexModel(
            [("target", ASCENDING)],
            name="one_active_run_per_table",
            unique=True,
            partialFilterExpression={"status": RunStatus.RUNNING.value},
        ),
        IndexModel([("status", 1), ("priority", 1), ("queued_at", 1)], name="queue"),
        IndexModel([("sync_id", 1), ("spec.version", DESCENDING)], name="newest_spec"),
        IndexModel([("ended_at", 1)], name="expiry", expireAfterSeconds=KEEP_SECONDS),
    ],
    CANCELLATIONS: [IndexModel([("at", 1)], name="expiry", expireAfterSeconds=KEEP_SECONDS)],
    RECORD_STATES: [
        IndexModel(
            [("sync_id", 1), ("key", 1)],
            name="by_key",
            partialFilterExpression={"key": {"$exists": True}},
        ),
        IndexModel(
            [("sync_id", 1), ("source_id", 1)],
            name="rejected",
            partialFilterExpression={"rejected": True},
        ),
    ],
    REJECTIONS: [
        IndexModel([("run_id", 1), ("source_id", 1)], name="of_run", unique=True),
        IndexModel([("at", 1)], name="expiry", expireAfterSeconds=KEEP_SECONDS),
    ],
}


class RunQueue:
    """The queue: recorded by the consumer, claimed by workers, one active run per table."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._runs = database[RUNS]
        self._lease_seconds = lease_seconds

    async def claim(self) -> tuple[Run, Lease] | None:
        """Take a run whose worker is gone, or else the next in the queue; None if there is none."""
        owner, asked_at = uuid4().hex, time.monotonic()
        row = await self._take_over(owner) or await self._take_next(owner)
        if row is None:
            return None
        newest = await self._runs.find_one(
            {"sync_id": row["sync_id"]}, {"spec": 1}, sort=[("spec.version", DESCENDING)]
        )
        if newest is not None and newest["spec"]["version"] > row["spec"]["version"]:
            row["spec"] = newest["spec"]
        lease = Lease(row["_id"], owner, row["fence"], self._lease_seconds, asked_at)
        return Run.of(row), lease

    async def renew(self, lease: Lease) -> bool:
        """Extend the lease; give whether somebody wants the run cancelled.

        Sets `lost` if the run is no longer ours.
        """
        asked_at = time.monotonic()
        row = await self._runs.find_one_and_update(
            owned_by(lease), [{"$set": {"lease_until": self._until()}}], {"cancel_requested": 1}
        )
        if row is None:
            lease.lost.set()
            return False
        lease.taken_at = asked_at
        return bool(row["cancel_requested"])

    async def _take_over(self, owner: str) -> Document | None:
        patience_ms = round(self._lease_seconds * REQUEST_SHARE * 1000)
        silent = {"$lt": [{"$add": ["$lease_until", patience_ms]}, "$$NOW"]}
        row: Document | None = await self._runs.find_one_and_update(
            {"status": RunStatus.RUNNING.value, "$expr": silent},
            [{"$set": {**self._claimed(owner), "distrusted": True}}],
            return_document=ReturnDocument.AFTER,
        )
        return row

    async def _take_next(self, owner: str) -> Document | None:
        busy = await self._runs.distinct("target", {"status": RunStatus.RUNNING.value})
        try:
            row: Document | None = await self._runs.find_one_and_update(
                {"status": RunStatus.QUEUED.value, "target": {"$nin": busy}},
                [{"$set": self._claimed(owner)}],
                sort=[("priority", ASCENDING), ("queued_at", ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:  # another process was faster on that table
            return None
        return row

    def _claimed(self, owner: str) -> Document:
        return {
            "status": RunStatus.RUNNING.value,
            "owner": owner,
            "fence": {"$add": ["$fence", 1]},
            "lease_until": self._until(),
        }

    def _until(self) -> Document:
        return from_now(self._lease_seconds)


def owned_by(lease: Lease) -> Document:
    """Return the filter by which only the present owner's writes find the run."""
    return {
        "_id": lease.name,
        "fence": lease.fence,
        "owner": lease.owner,
        "status": RunStatus.RUNNING.value,
    }


async def record_run(unit: UnitOfWork, event: SyncRequested) -> None:
    """Put a run in the queue, once; a cancellation that came before it ends it here."""
    await unit.database[RUNS].update_one(
        {"_id": event.run_id},
        {"$setOnInsert": new_row(event, unit.now)},
        upsert=True,
        session=unit.session,
    )
    early = {"_id": event.run_id}
    if await unit.database[CANCELLATIONS].find_one(early, session=unit.session):
        await _cancel_queued(unit, event.run_id)


async def request_cancel(unit: UnitOfWork, run_id: str) -> None:
    """End a run that waits; mark one that runs, or is not known yet, to be cancelled."""
    await unit.database[CANCELLATIONS].update_one(
        {"_id": run_id}, {"$setOnInsert": {"at": unit.now}}, upsert=True, session=unit.session
    )
    if not await _cancel_queued(unit, run_id):
        await unit.database[RUNS].update_one(
            {"_id": run_id}, {"$set": {"cancel_requested": True}}, session=unit.session
        )


async def _cancel_queued(unit: UnitOfWork, run_id: str) -> bool:
    row = await unit.database[RUNS].find_one(
        {"_id": run_id, "status": RunStatus.QUEUED.value}, session=unit.session
    )
    if row is None:
        return False
    run = Run.of(row)
    ending = ended_by(RunCancelledError(), begun=False)
    await unit.database[RUNS].update_one(
        {"_id": run_id}, {"$set": ending_fields(ending, unit.now)}, session=unit.session
    )
    unit.publish(ending.event(run, run.counts, run.started_at, unit.now))
    return True


def ending_fields(ending: Ending, now: datetime) -> Document:
    """Return the changes that end a run."""
    return {
        "status": ending.status.value,
        "ended_at": now,
        "lease_until": None,
        "owner": None,
        "cause": ending.cause.value if ending.cause else None,
        "summary": ending.summary,
        "connection_id": ending.connection_id,
    }


async def runs_by_id(database: Database, ids: Sequence[str]) -> list[Document]:
    """Return the stored runs with these ids, unknown ones left out."""
    return await database[RUNS].find({"_id": {"$in": list(ids)}}).to_list(None)
