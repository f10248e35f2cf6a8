"""Points (a leaky bucket of costs): a call sets aside what it may cost, and pays what it has cost.

It pays when it is over, so later than the provider has charged it: what is counted here is never
more than there is, however long calls are on their way.
"""

import asyncio
import math
from dataclasses import dataclass

from tablesync.service_kit.mongo import Collection, Document
from tablesync.service_kit.mongo.seen_through import seen_through
from tablesync.sync_runner.access.budgets.base import FROZEN
from tablesync.sync_runner.access.budgets.line import Line
from tablesync.sync_runner.access.budgets.rows import (
    FURTHEST,
    HELD_UNTIL,
    IS_HELD,
    NEXT,
    NOW,
    Holder,
    Row,
)

# A wait is computed by the database. Others may be faster, and calls under way may cost less.
LOOK_AGAIN_SECONDS, SOON_SECONDS = 5.0, 0.2


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


class PointsSetAside(Holder):
    """The points that one call may cost, until it is told what it has cost."""

    def __init__(self, budget: "PointBudget", weight: float) -> None:
        super().__init__()
        self._budget = budget
        self.weight = weight

    async def settle(self, weight: float) -> None:
        """Take in what the call has cost."""
        self.weight = weight

    async def give_back(self, *, used: bool) -> None:
        """Pay; nothing, if no call was made."""
        await self._budget.pay(self, self.weight if used else 0.0)


class PointBudget:
    """One bucket of points as this process sees it."""

    def __init__(self, collection: Collection, limit: Points) -> None:
        self._row = Row(collection, limit.name)
        self._limit = limit
        self._line = Line()

    def at_hand(self, weight: float = 1.0) -> None:
        """Nothing: the database alone knows what there is."""

    async def take(self, weight: float = 1.0, since: float = math.inf) -> PointsSetAside:
        """Wait for so many points, at most all that can be; who waits longest is served first."""
        aside = PointsSetAside(self, weight)
        try:
            async with self._line.turn(since):
                while wait := await seen_through(self._wait(aside)):  # noqa: ASYNC110 - time ends it
                    await asyncio.sleep(wait)
        except BaseException:  # they may have been set aside for a caller who is gone
            await seen_through(self.pay(aside, 0.0))
            raise
        aside.begin()
        return aside

    async def pay(self, aside: PointsSetAside, points: float) -> None:
        """Take what a call has cost, and set nothing aside for it any more."""
        others = {"$filter": {"input": "$aside", "cond": {"$ne": ["$$this.id", aside.id]}}}
        await self._row.change(
            self._now(), {"points": {"$subtract": ["$points", points]}, "aside": others}
        )

    async def freeze(self, seconds: float) -> None:
        """Let nobody call for this long, in any process: the provider refused a call."""
        FROZEN.labels(self._limit.kind).inc()
        await self._row.freeze(seconds)

    def correct(self, capacity: float, per_second: float) -> None:
        """Take over what the provider says its limit is: by plan, it may be any but none."""
        if capacity > 0 and per_second > 0:
            self._limit = Points(self._limit.name, capacity, per_second)

    async def lower(self, points: float) -> None:
        """Take over how many points there are, where the provider says that they are fewer."""
        await self._row.change(self._now(), {"points": {"$min": ["$points", points]}})

    async def _wait(self, aside: PointsSetAside) -> float:
        """Set points aside, and return 0; else return in how many seconds to look again.

        Nobody waits for more than there can be, which may have become less meanwhile.
        """
        aside.weight = min(aside.weight, self._limit.capacity)
        free = {"$subtract": ["$points", {"$sum": "$aside.points"}]}
        missing_ms = {"$divide": [{"$subtract": [aside.weight, free]}, self._per_ms]}
        frozen_ms = {"$subtract": ["$next", NOW]}
        mine = {"id": aside.id, "points": aside.weight, "until": HELD_UNTIL}
        more = {"$concatArrays": ["$aside", [mine]]}
        row = await self._row.change(
            self._now(),
            {"wait_ms": {"$max": [0, missing_ms, frozen_ms]}},
            {"aside": {"$cond": [{"$gt": ["$wait_ms", 0]}, "$aside", more]}},
        )
        at_most = SOON_SECONDS if row["aside"] else LOOK_AGAIN_SECONDS
        return min(float(row["wait_ms"]) / 1000, at_most)

    def _now(self) -> Document:
        """Say what there is by now; whoever died with points has spent them.

        Nothing is owed that takes longer to come back than all that can be.
        """
        capacity, aside = self._limit.capacity, {"$ifNull": ["$aside", []]}
        counted_at = {"$ifNull": ["$at", NOW]}
        since = {"$cond": [{"$gt": [counted_at, FURTHEST]}, NOW, counted_at]}
        restored = {"$multiply": [{"$subtract": [NOW, since]}, self._per_ms]}
        there = {"$min": [capacity, {"$add": [{"$ifNull": ["$points", capacity]}, restored]}]}
        lapsed = {"$filter": {"input": aside, "cond": {"$not": IS_HELD}}}
        spent = {"$sum": {"$map": {"input": lapsed, "in": "$$this.points"}}}
        return {
            "points": {"$max": [{"$subtract": [there, spent]}, -capacity]},
            "at": NOW,
            "next": NEXT,
            "aside": {"$filter": {"input": aside, "cond": IS_HELD}},
        }

    @property
    def _per_ms(self) -> float:
        return self._limit.per_second / 1000
