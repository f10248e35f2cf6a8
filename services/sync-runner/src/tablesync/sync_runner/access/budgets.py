"""Budgets (a distributed rate limiter): one allowance per limit, in MongoDB for all processes.

A process reserves up to a second of places at once, evenly spaced by the database's clock, and
hands them to its own callers in turn. A place that could not be used in time is given up: used
late, it would crowd those after it, and the provider counts arrivals. Budgets are hot, so they
are never touched inside a transaction.
"""

import asyncio
from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass
from weakref import WeakValueDictionary

from prometheus_client import Counter
from pymongo import IndexModel, ReturnDocument, WriteConcern
from tablesync.service_kit import clock
from tablesync.service_kit.mongo import Collection, Database, Document
from tablesync.service_kit.mongo.indexes import Indexes
from tablesync.sync_runner.stall import StallTimer

COLLECTION = "budgets"
# Reserved though nobody waits yet, so that a wide limit does not cost a round trip per call.
AHEAD_SECONDS = 0.02
FROZEN = Counter("budget_frozen_total", "Times a provider refused a call for its limit.", ["kind"])
# Longer than any freeze. By the hour, since what changes with each call costs an index each time.
KEEP_SECONDS = 24 * 3600
INDEXES: Indexes = {
    COLLECTION: [IndexModel([("used_at", 1)], name="expiry", expireAfterSeconds=KEEP_SECONDS)]
}
_THIS_HOUR = {"$dateTrunc": {"date": "$$NOW", "unit": "hour"}}
_NOW = {"$toDouble": {"$toLong": "$$NOW"}}


@dataclass(frozen=True)
class Limit:
    """How many calls per second, how many of them at once, and how late a place may be used."""

    name: str
    per_second: float
    burst: float = 1
    late_seconds: float = 0.25

    @property
    def kind(self) -> str:
        """The limit's name without the account, for metrics."""
        return self.name.partition("/")[0]


class Budget:
    """One limit as this process sees it."""

    def __init__(self, collection: Collection, limit: Limit) -> None:
        self._collection = collection
        self._limit = limit
        self._places: deque[float] = deque()
        self._reserving = asyncio.Lock()
        self._waiting = 0
        self._epoch = 0

    async def take(self, stall_timer: StallTimer | None = None) -> None:
        """Wait for a place and use it up: the call has to follow at once."""
        self._waiting += 1
        try:
            with stall_timer.excused() if stall_timer else nullcontext():
                while not await self._reach_place():
                    continue
        finally:
            self._waiting -= 1

    async def freeze(self, seconds: float) -> None:
        """Let nobody call for this long, in any process: the provider refused a call."""
        self._epoch += 1
        self._places.clear()
        FROZEN.labels(self._limit.kind).inc()
        until = {"$add": [_NOW, seconds * 1000]}
        await self._collection.update_one(
            {"_id": self._limit.name},
            [
                {
                    "$set": {
                        "next": {"$max": [{"$ifNull": ["$next", 0]}, until]},
                        "used_at": _THIS_HOUR,
                    }
                }
            ],
            upsert=True,
        )

    def correct(self, per_second: float) -> None:
        """Take over what the provider says its limit is, if it is stricter than ours."""
        if per_second < self._limit.per_second:
            self._limit = Limit(
                self._limit.name, per_second, self._limit.burst, self._limit.late_seconds
            )

    async def _reach_place(self) -> bool:
        """Wait for the next place; False if it came to nothing."""
        async with self._reserving:
            while self._places and self._too_late(self._places[0]):
                self._places.popleft()
            if not self._places:
                self._places.extend(await self._reserve())
            if not self._places:
                return False
            place, epoch = self._places.popleft(), self._epoch
        await asyncio.sleep(max(0.0, place - clock.seconds()))
        return epoch == self._epoch and not self._too_late(place)

    def _too_late(self, place: float) -> bool:
        return clock.seconds() - place > self._limit.late_seconds

    async def _reserve(self) -> list[float]:
        """Reserve a place for everybody who waits, at most a second of them, and a few ahead.

        Returns their times by `clock.seconds()`; none if the database took so long to answer
        that it is not known when they are.
        """
        ahead = int(AHEAD_SECONDS * self._limit.per_second)
        count = max(1, min(max(self._waiting, ahead), int(self._limit.per_second)))
        epoch, asked_at = self._epoch, clock.seconds()
        row = await self._collection.find_one_and_update(
            {"_id": self._limit.name},
            self._reservation(count),
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        answered_at = clock.seconds()
        if epoch != self._epoch or answered_at - asked_at > self._limit.late_seconds:
            return []
        first = answered_at + (row["start"] - row["now"]) / 1000
        spacing = 1 / self._limit.per_second
        return [max(answered_at, first + place * spacing) for place in range(count)]

    def _reservation(self, count: int) -> list[Document]:
        spacing_ms = 1000 / self._limit.per_second
        earliest = {"$subtract": [_NOW, (self._limit.burst - 1) * spacing_ms]}
        return [
            {"$set": {"start": {"$max": [{"$ifNull": ["$next", 0]}, earliest]}, "now": _NOW}},
            {"$set": {"next": {"$add": ["$start", count * spacing_ms]}, "used_at": _THIS_HOUR}},
        ]


class Budgets:
    """All budgets of this process."""

    def __init__(self, database: Database) -> None:
        # Not journalled: a reservation that a crash of MongoDB loses is over before it is back.
        self._collection: Collection = database.get_collection(
            COLLECTION, write_concern=WriteConcern(w=1)
        )
        # Whoever calls holds its budget: those that nobody uses are forgotten, here and there.
        self._budgets: WeakValueDictionary[str, Budget] = WeakValueDictionary()

    @property
    def in_memory(self) -> int:
        """How many budgets somebody holds."""
        return len(self._budgets)

    async def date_old_rows(self) -> None:
        """Let rows expire that were stored before they had a date."""
        undated = {"used_at": {"$exists": False}}
        await self._collection.update_many(undated, [{"$set": {"used_at": _THIS_HOUR}}])

    def of(self, limit: Limit) -> Budget:
        """Return the budget of a limit."""
        return self._budgets.setdefault(limit.name, Budget(self._collection, limit))
