"""The run queue, durable in MongoDB: a claim is a lease with a fencing token, by its clock."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError
from tablesync.contracts import RunStatus
from tablesync.service_kit import clock
from tablesync.service_kit.mongo import Database, Document, from_now
from tablesync.service_kit.mongo.changes import seconds_until
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.mongo.reading import ASIDE_SECONDS, alone, read
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.store import RUNS, owned_by

# So many runs are looked at before those of every table are.
LOOK_AHEAD = 50
# The priority of a run that could not be read or taken: after manual and scheduled ones.
LAST = 2

_RUNNING: Document = {"status": RunStatus.RUNNING.value}
_QUEUED: Document = {"status": RunStatus.QUEUED.value}
_WAITING: Document = {**_QUEUED, "$expr": {"$lte": ["$queued_at", "$$NOW"]}}
_ORDER = [("priority", ASCENDING), ("queued_at", ASCENDING)]
_TAKEN_OVER: Document = {
    "distrusted": True,
    "takeovers": {"$add": [{"$ifNull": ["$takeovers", 0]}, 1]},
}
# What must not have changed when a run is taken.
_AS_FOUND: Document = dict.fromkeys(("status", "target", "owner", "lease_until"), 1)


class RunQueue:
    """The queue: recorded by the consumer, claimed by workers, one active run per table.

    A takeover waits for the lease, and for a request that was sent in its last moment: such a
    request has `request_seconds`, however little is left of the lease, which is kept meanwhile.
    """

    def __init__(self, database: Database, lease_seconds: float, request_seconds: float) -> None:
        self.request_seconds = request_seconds
        self._runs = database[RUNS]
        self._lease_seconds = lease_seconds

    async def claim(self) -> tuple[Run, Lease] | None:
        """Take a run whose worker is gone, or else the next in the queue; None if there is none.

        One that cannot be taken goes to the end of the queue, and its table is free for others.
        """
        for find, change in ((self._silent, _TAKEN_OVER), (self._next, {})):
            for found in await find():
                if claimed := await self._take(found, change):
                    return claimed
        return None

    async def seconds_until_takeover(self) -> float:
        """Return how long no run can have been left by its worker, at most until the next poll."""
        grace_ms = round(self.request_seconds * 1_000)
        return await seconds_until(self._runs, "lease_until", _RUNNING, later_ms=grace_ms)

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

    async def _silent(self) -> list[Document]:
        """Return some runs whose lease, and what was sent in its last moment, are over."""
        grace = from_now(-self.request_seconds)
        silent = {**_RUNNING, "$expr": {"$lt": ["$lease_until", grace]}}
        cursor = self._runs.find(silent, _AS_FOUND).sort("lease_until", ASCENDING)
        return await cursor.limit(LOOK_AHEAD).to_list(LOOK_AHEAD)

    async def _next(self) -> list[Document]:
        """Return runs whose tables are free, in their order, one of each table.

        Only where none of the first has a free table, those of every table are looked at.
        """
        cursor = self._runs.find(_WAITING, _AS_FOUND).sort(_ORDER).limit(LOOK_AHEAD)
        first = await cursor.to_list(LOOK_AHEAD)
        if not first:
            return []
        busy = await self._runs.distinct("target", _RUNNING)
        free = _one_of_each_table(first, busy)
        if free or len(first) < LOOK_AHEAD:
            return free
        return await self._runs.aggregate(_first_of_each_table(busy)).to_list(LOOK_AHEAD)

    async def _take(self, found: Document, change: Document) -> tuple[Run, Lease] | None:
        """Take a run that is still as it was found; None if another was faster, or it is bad."""
        owner, asked_at = uuid4().hex, clock.seconds()
        taken: list[Run] = []

        async def take() -> None:
            row = await self._set(found, {**self._claimed(owner), **change})
            if row is not None:
                taken.append(await self._with_newest_spec(read(self._runs, Run.from_document, row)))

        if not await alone(self._runs, found["_id"], take()):
            await self._put_back(found, owner)
        return next(((run, self._lease(run, owner, asked_at)) for run in taken), None)

    async def _set(self, found: Document, change: Document) -> Document | None:
        try:
            row: Document | None = await self._runs.find_one_and_update(
                found, [{"$set": change}], return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # another process was faster on that table
            return None
        return row

    async def _put_back(self, found: Document, owner: str) -> None:
        """Put a run behind all others, and let its table go; a minute later it is its turn."""
        change: Document = {
            "status": RunStatus.QUEUED.value,
            "owner": None,
            "lease_until": None,
            "priority": LAST,
            "queued_at": from_now(ASIDE_SECONDS),
            "set_aside_at": "$$NOW",
        }
        ours = {"_id": found["_id"], "owner": {"$in": [owner, found.get("owner")]}}
        await self._runs.update_one(ours, [{"$set": change}])

    async def _with_newest_spec(self, run: Run) -> Run:
        newest = await self._runs.find_one(
            {"sync_id": run.sync_id, "spec.version": {"$type": "number"}},
            {"spec": 1},
            sort=[("spec.version", DESCENDING)],
        )
        if newest is None or newest["spec"]["version"] <= run.stored_spec["version"]:
            return run
        return replace(run, stored_spec=newest["spec"])

    def _lease(self, run: Run, owner: str, asked_at: float) -> Lease:
        return Lease(run.id, owner, run.fence, self._lease_seconds, asked_at)

    def _claimed(self, owner: str) -> Document:
        return {
            "status": RunStatus.RUNNING.value,
            "owner": owner,
            "fence": {"$add": ["$fence", 1]},
            "lease_until": self._until(),
        }

    def _until(self) -> Document:
        return from_now(self._lease_seconds)


def _one_of_each_table(found: Sequence[Document], busy: Sequence[Any]) -> list[Document]:
    """Return the first run of each table that is not busy; a bad run's may be anything."""
    seen, free = {repr(each) for each in busy}, []
    for each in found:
        table = repr(each.get("target"))
        if table not in seen:
            seen.add(table)
            free.append(each)
    return free


def _first_of_each_table(busy: Sequence[Any]) -> list[Document]:
    """Look at one index key of each table: a busy one may have thousands of runs before it."""
    return [
        {"$match": _QUEUED},
        {"$sort": dict([("target", ASCENDING), *_ORDER])},
        {"$group": {"_id": "$target", "run": {"$first": "$$ROOT"}}},
        {"$match": {"_id": {"$nin": list(busy)}}},
        {"$replaceRoot": {"newRoot": "$run"}},
        {"$match": _WAITING},
        {"$sort": dict(_ORDER)},
        {"$limit": LOOK_AHEAD},
        {"$project": _AS_FOUND},
    ]
