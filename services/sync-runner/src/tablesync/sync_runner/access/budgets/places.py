"""Places (a counting semaphore): so many calls under way at once, over all processes."""

import asyncio
import math
from dataclasses import dataclass

from tablesync.service_kit.mongo import Collection
from tablesync.service_kit.mongo.seen_through import seen_through
from tablesync.sync_runner.access.budgets.base import FROZEN
from tablesync.sync_runner.access.budgets.line import Line
from tablesync.sync_runner.access.budgets.rows import HELD_UNTIL, IS_HELD, NEXT, NOW, Holder, Row

LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True)
class Places:
    """How many calls may be under way at once."""

    name: str
    at_once: int

    @property
    def kind(self) -> str:
        """The limit's name without the account, for metrics."""
        return self.name.partition("/")[0]


class HeldPlace(Holder):
    """A place that one call holds while it is under way."""

    def __init__(self, budget: "PlaceBudget") -> None:
        super().__init__()
        self._budget = budget

    async def settle(self, weight: float) -> None:
        """Nothing: a call is a call."""

    async def give_back(self, *, used: bool) -> None:
        """Let another call go."""
        await self._budget.free(self)


class PlaceBudget:
    """The places of one limit as this process sees them."""

    def __init__(self, collection: Collection, limit: Places) -> None:
        self._row = Row(collection, limit.name)
        self._limit = limit
        self._line = Line()

    def at_hand(self, weight: float = 1.0) -> None:
        """Nothing: the database alone knows what there is."""

    async def take(self, weight: float = 1.0, since: float = math.inf) -> HeldPlace:
        """Wait until fewer calls are under way than may be; who waits longest is served first."""
        place = HeldPlace(self)
        try:
            async with self._line.turn(since):
                while not await seen_through(self._take(place)):  # noqa: ASYNC110 - others end it
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        except BaseException:  # it may have been taken for a caller who no longer wants it
            await seen_through(self.free(place))
            raise
        place.begin()
        return place

    async def free(self, place: HeldPlace) -> None:
        """Give a place back."""
        await self._row.remove({"holders": {"id": place.id}})

    async def freeze(self, seconds: float) -> None:
        """Let nobody call for this long, in any process: the provider refused a call."""
        FROZEN.labels(self._limit.kind).inc()
        await self._row.freeze(seconds)

    async def _take(self, place: HeldPlace) -> bool:
        present = {"$filter": {"input": {"$ifNull": ["$holders", []]}, "cond": IS_HELD}}
        free = {"$lt": [{"$size": "$holders"}, self._limit.at_once]}
        may_go = {"$and": [free, {"$lte": ["$next", NOW]}]}
        mine = {"id": place.id, "until": HELD_UNTIL}
        row = await self._row.change(
            {"holders": present, "next": NEXT},
            {"holders": {"$cond": [may_go, {"$concatArrays": ["$holders", [mine]]}, "$holders"]}},
        )
        return any(each["id"] == place.id for each in row["holders"])
