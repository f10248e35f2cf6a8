"""Rates: so many calls a second, in MongoDB for all processes.

A process reserves up to a second of places at once, evenly spaced by the database's clock, and
hands them to its own callers in turn. A place that could not be used in time is given up: used
late, it would crowd those after it, and the provider counts arrivals. Budgets are hot, so they
are never touched inside a transaction.
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, replace
from typing import ClassVar

from tablesync.service_kit import clock
from tablesync.service_kit.mongo import Collection, Document
from tablesync.sync_runner.access.budgets.base import FROZEN
from tablesync.sync_runner.access.budgets.line import Line
from tablesync.sync_runner.access.budgets.rows import NEXT, NOW, Row

# Reserved though nobody waits yet, so that a wide limit does not cost a round trip per call.
AHEAD_SECONDS = 0.02


@dataclass(frozen=True)
class Rate:
    """How many calls per second, how many of them at once, and how late a place may be used."""

    name: str
    per_second: float
    burst: float = 1
    late_seconds: float = 0.25

    @property
    def kind(self) -> str:
        """The limit's name without the account, for metrics."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class TimedPlace:
    """A moment at which a call may go out, by `clock.seconds()`; it weighs what it weighs."""

    at: float
    late_seconds: float
    ends_by_itself: ClassVar[bool] = True

    @property
    def good_until(self) -> float:
        """When that moment is over."""
        return self.at + self.late_seconds

    async def settle(self, weight: float) -> None:
        """Nothing: a call is a call."""

    async def give_back(self, *, used: bool) -> None:
        """Nothing: a moment is over, whether it was used or not."""


class RateBudget:
    """One rate as this process sees it."""

    def __init__(self, collection: Collection, limit: Rate) -> None:
        self._row = Row(collection, limit.name)
        self._known = self._limit = limit
        self._places: deque[TimedPlace] = deque()
        self._line = Line()
        self._waiting = 0
        self._reserving: asyncio.Task[None] | None = None
        self._epoch = 0

    def at_hand(self, weight: float = 1.0) -> TimedPlace | None:
        """Take the first place, if its moment has come and nobody waits for it."""
        now = clock.seconds()
        if weight > 1 or not self._line.is_empty or not self._places or self._places[0].at > now:
            return None
        place = self._places.popleft()
        return place if now <= place.good_until else None

    async def take(self, weight: float = 1.0, since: float = math.inf) -> TimedPlace:
        """Wait for a place: the call has to follow at once. One that weighs more has several."""
        self._waiting += 1
        try:
            for _ in range(1, round(weight)):
                await self._next_place(since)
            return await self._next_place(since)
        finally:
            self._waiting -= 1

    async def freeze(self, seconds: float) -> None:
        """Let nobody call for this long, in any process: the provider refused a call."""
        self._epoch += 1
        self._places.clear()
        FROZEN.labels(self._limit.kind).inc()
        await self._row.freeze(seconds)

    def correct(self, per_second: float) -> None:
        """Take over what the provider says now that its limit is, where that is stricter."""
        per_second = min(per_second, self._known.per_second)
        if per_second != self._limit.per_second:
            self._limit = replace(self._known, per_second=per_second)

    async def _next_place(self, since: float) -> TimedPlace:
        """Wait in line until a place has come: who leaves before that has taken none."""
        async with self._line.turn(since):
            while not (place := await self._reach_place()):
                continue
            return place

    async def _reach_place(self) -> TimedPlace | None:
        """Wait for the first place; None if it came to nothing."""
        if not self._places:
            await self._have_more()
            return None
        place = self._places[0]
        if (wait := place.at - clock.seconds()) > 0:
            await asyncio.sleep(wait)
        if not self._places or self._places[0] is not place:  # all are frozen
            return None
        self._places.popleft()
        return place if clock.seconds() <= place.good_until else None

    async def _have_more(self) -> None:
        """Reserve places; they are there for the next one if who asks for them has to leave."""
        if self._reserving is None or self._reserving.done():
            self._reserving = asyncio.create_task(self._reserve())
        await asyncio.shield(self._reserving)

    async def _reserve(self) -> None:
        """Reserve a place for everybody who waits, at most a second of them, and a few ahead.

        None is had if the database took so long to answer that it is not known when they are.
        """
        ahead = int(AHEAD_SECONDS * self._limit.per_second)
        count = max(1, min(max(self._waiting, ahead), int(self._limit.per_second)))
        epoch, asked_at = self._epoch, clock.seconds()
        row = await self._row.change(*self._reservation(count))
        answered_at = clock.seconds()
        if epoch != self._epoch or answered_at - asked_at > self._limit.late_seconds:
            return
        first = answered_at + (row["start"] - row["now"]) / 1000
        spacing = 1 / self._limit.per_second
        times = [max(answered_at, first + place * spacing) for place in range(count)]
        self._places.extend(TimedPlace(each, self._limit.late_seconds) for each in times)

    def _reservation(self, count: int) -> list[Document]:
        spacing_ms = 1000 / self._limit.per_second
        earliest = {"$subtract": [NOW, (self._limit.burst - 1) * spacing_ms]}
        start = {"$max": [NEXT, earliest]}
        return [
            {"start": start, "now": NOW},
            {"next": {"$add": ["$start", count * spacing_ms]}},
        ]
