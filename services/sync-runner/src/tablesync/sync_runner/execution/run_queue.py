"""The run queue, durable in MongoDB: a claim is a lease with a fencing token, by its clock."""

from uuid import uuid4

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError
from tablesync.contracts import RunStatus
from tablesync.service_kit import clock
from tablesync.service_kit.mongo import Database, Document, from_now
from tablesync.service_kit.mongo.leases import Lease
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.store import RUNS, owned_by

# A takeover waits for the lease and for a request that was sent in its last moment.
REQUEST_SHARE = 1 / 3


class RunQueue:
    """The queue: recorded by the consumer, claimed by workers, one active run per table."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._runs = database[RUNS]
        self._lease_seconds = lease_seconds

    async def claim(self) -> tuple[Run, Lease] | None:
        """Take a run whose worker is gone, or else the next in the queue; None if there is none."""
        owner, asked_at = uuid4().hex, clock.seconds()
        row = await self._take_over(owner) or await self._take_next(owner)
        if row is None:
            return None
        newest = await self._runs.find_one(
            {"sync_id": row["sync_id"]}, {"spec": 1}, sort=[("spec.version", DESCENDING)]
        )
        if newest is not None and newest["spec"]["version"] > row["spec"]["version"]:
            row["spec"] = newest["spec"]
        lease = Lease(row["_id"], owner, row["fence"], self._lease_seconds, asked_at)
        return Run.from_document(row), lease

    async def renew(self, lease: Lease) -> bool:
        """Extend the lease; return whether somebody wants the run cancelled.

        Sets `lost` if the run is no longer ours.
        """
        asked_at = clock.seconds()
        row = await self._runs.find_one_and_update(
            owned_by(lease), [{"$set": {"lease_until": self._until()}}], {"cancel_requested": 1}
        )
        if row is None:
            lease.lost.set()
            return False
        lease.taken_at = asked_at
        return bool(row["cancel_requested"])

    async def _take_over(self, owner: str) -> Document | None:
        grace_ms = round(self._lease_seconds * REQUEST_SHARE * 1000)
        silent = {"$lt": [{"$add": ["$lease_until", grace_ms]}, "$$NOW"]}
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
