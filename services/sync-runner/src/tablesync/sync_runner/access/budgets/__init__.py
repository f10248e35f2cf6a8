"""Budgets (a distributed rate limiter): rates, points and places, reserved at once."""

from typing import overload
from weakref import WeakValueDictionary

from pymongo import WriteConcern
from tablesync.service_kit.mongo import Collection, Database
from tablesync.sync_runner.access.budgets.base import Budget, Claim, Reservation, reserve
from tablesync.sync_runner.access.budgets.places import PlaceBudget, Places
from tablesync.sync_runner.access.budgets.points import PointBudget, Points
from tablesync.sync_runner.access.budgets.rates import Rate, RateBudget
from tablesync.sync_runner.access.budgets.rows import COLLECTION, INDEXES, KEEP_SECONDS, THIS_HOUR

__all__ = [
    "INDEXES",
    "KEEP_SECONDS",
    "Budget",
    "Budgets",
    "Claim",
    "Places",
    "Points",
    "Rate",
    "Reservation",
    "reserve",
]
_KINDS = {Rate: RateBudget, Points: PointBudget, Places: PlaceBudget}


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
        await self._collection.update_many(undated, [{"$set": {"used_at": THIS_HOUR}}])

    @overload
    def of(self, limit: Rate) -> RateBudget: ...
    @overload
    def of(self, limit: Points) -> PointBudget: ...
    @overload
    def of(self, limit: Places) -> PlaceBudget: ...
    def of(self, limit: Rate | Points | Places) -> Budget:
        """Return the budget of a limit."""
        made = _KINDS[type(limit)](self._collection, limit)
        return self._budgets.setdefault(limit.name, made)
