"""Points (a leaky bucket of costs): a call takes what it may cost, and gives back the rest."""

import asyncio
from dataclasses import dataclass

from tablesync.service_kit.mongo import Collection, Document
from tablesync.sync_runner.access.budgets.base import FROZEN
from tablesync.sync_runner.access.budgets.rows import NOW, Row

# A wait is computed by the database, which others may be faster at: looked at again, at the latest.
LOOK_AGAIN_SECONDS = 5.0


@dataclass(frozen=True)
class Points:
    """How many points there can be, and how many of them come back per second."""

    name: str
    capacity: float
    per_second: float

    @property
    def kind(self) -> str:
        """The limit's name without the account, for metrics."""
        return self.name.partition("/")[0]


class TakenPoints:
    """The points that one call may cost."""

    late = False

    def __init__(self, budget: "PointBudget", weight: float) -> None:
        self._budget = budget
        self._weight = weight

    async def settle(self, weight: float) -> None:
        """Give back, or take in addition, what the call has cost less or more."""
        await self._budget.add(self._weight - weight)
        self._weight = weight

    async def give_back(self, *, used: bool) -> None:
        """Give back what was not spent; what a call has cost comes back with time."""
        if not used:
            await self.settle(0)


class PointBudget:
    """One bucket of points as this process sees it."""

    def __init__(self, collection: Collection, limit: Points) -> None:
        self._row = Row(collection, limit.name)
        self._limit = limit
        self._first = asyncio.Lock()

    async def take(self, weight: float = 1.0) -> TakenPoints:
        """Wait for so many points, at most all that there can be; first come, first served."""
        weight = min(weight, self._limit.capacity)
        async with self._first:
            while (seconds := await self._seconds_until(weight)) > 0:  # noqa: ASYNC110 - time ends it
                await asyncio.sleep(min(seconds, LOOK_AGAIN_SECONDS))
        return TakenPoints(self, weight)

    async def add(self, points: float) -> None:
        """Put points back, or take more of them."""
        if points:
            await self._row.change({"points": {"$add": [self._left(), points]}, "at": NOW})

    async def freeze(self, seconds: float) -> None:
        """Let nobody call for this long, in any process: the provider refused a call."""
        FROZEN.labels(self._limit.kind).inc()
        await self._row.freeze(seconds)

    def correct(self, capacity: float, per_second: float) -> None:
        """Take over what the provider says its limit is: by plan, it may be any."""
        self._limit = Points(self._limit.name, capacity, per_second)

    async def lower(self, points: float) -> None:
        """Take over how many points there are, where the provider says that they are fewer."""
        await self._row.change({"points": {"$min": [self._left(), points]}, "at": NOW})

    async def _seconds_until(self, weight: float) -> float:
        """Take points, and return 0; else return in how many seconds there will be enough."""
        left = self._left()
        missing_ms = {"$divide": [{"$subtract": [weight, left]}, self._per_ms]}
        frozen_ms = {"$subtract": [{"$ifNull": ["$next", 0]}, NOW]}
        row = await self._row.change(
            {"wait_ms": {"$max": [0, missing_ms, frozen_ms]}},
            {
                "points": {"$subtract": [left, {"$cond": [{"$gt": ["$wait_ms", 0]}, 0, weight]}]},
                "at": NOW,
            },
        )
        return float(row["wait_ms"]) / 1000

    def _left(self) -> Document:
        restored = {"$multiply": [{"$subtract": [NOW, {"$ifNull": ["$at", NOW]}]}, self._per_ms]}
        capacity = self._limit.capacity
        return {"$min": [capacity, {"$add": [{"$ifNull": ["$points", capacity]}, restored]}]}

    @property
    def _per_ms(self) -> float:
        return self._limit.per_second / 1000
