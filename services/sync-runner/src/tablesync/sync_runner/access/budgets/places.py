"""Places (a counting semaphore): so many calls under way at once, over all processes."""

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from tablesync.service_kit import clock
from tablesync.service_kit.mongo import Collection
from tablesync.sync_runner.access.budgets.base import FROZEN
from tablesync.sync_runner.access.budgets.rows import NOW, Row

# Longer than any request: whoever died with a place no longer has it.
HELD_SECONDS = 60.0
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


class HeldPlace:
    """A place that one call holds while it is under way."""

    def __init__(self, budget: "PlaceBudget", holder: str) -> None:
        self._budget = budget
        self._holder = holder
        self._ends_at = clock.seconds() + HELD_SECONDS / 2

    @property
    def late(self) -> bool:
        """Whether it might not be held for as long as a request takes."""
        return clock.seconds() > self._ends_at

    async def settle(self, weight: float) -> None:
        """Nothing: a call is a call."""

    async def give_back(self, *, used: bool) -> None:
        """Let another call go."""
        await self._budget.free(self._holder)


class PlaceBudget:
    """The places of one limit as this process sees them."""

    def __init__(self, collection: Collection, limit: Places) -> None:
        self._row = Row(collection, limit.name)
        self._limit = limit
        self._first = asyncio.Lock()

    async def take(self, weight: float = 1.0) -> HeldPlace:
        """Wait until fewer calls are under way than may be; first come, first served."""
        holder = uuid4().hex
        try:
            async with self._first:
                while not await self._take(holder):  # noqa: ASYNC110 - another process ends the wait
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
        except BaseException:  # it may have been taken for a caller who no longer wants it
            await self.free(holder)
            raise
        return HeldPlace(self, holder)

    async def free(self, holder: str) -> None:
        """Give a place back."""
        await self._row.remove({"holders": {"id": holder}})

    async def freeze(self, seconds: float) -> None:
        """Let nobody call for this long, in any process: the provider refused a call."""
        FROZEN.labels(self._limit.kind).inc()
        await self._row.freeze(seconds)

    async def _take(self, holder: str) -> bool:
        present = {
            "$filter": {
                "input": {"$ifNull": ["$holders", []]},
                "cond": {"$gt": ["$$this.until", NOW]},
            }
        }
        free = {"$lt": [{"$size": "$holders"}, self._limit.at_once]}
        may_go = {"$and": [free, {"$lte": [{"$ifNull": ["$next", 0]}, NOW]}]}
        mine = {"id": holder, "until": {"$add": [NOW, HELD_SECONDS * 1000]}}
        row = await self._row.change(
            {"holders": present},
            {"holders": {"$cond": [may_go, {"$concatArrays": ["$holders", [mine]]}, "$holders"]}},
        )
        return any(each["id"] == holder for each in row["holders"])
