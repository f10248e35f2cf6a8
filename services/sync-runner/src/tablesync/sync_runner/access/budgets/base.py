"""Budgets (a distributed rate limiter): what all processes together may ask of a provider.

All limits that one request counts against are reserved at once, with what the request weighs in
each, and given back when it is over.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Counter
from tablesync.sync_runner.stall import StallTimer

FROZEN = Counter("budget_frozen_total", "Times a provider refused a call for its limit.", ["kind"])


class Place(Protocol):
    """What one request has of one budget."""

    @property
    def late(self) -> bool:
        """Whether it may not be used any more: whoever comes after would be crowded."""

    async def settle(self, weight: float) -> None:
        """Take in what the request has weighed, as the provider says."""

    async def give_back(self, *, used: bool) -> None:
        """Let others have what the request no longer needs: all of it where none was made."""


class Budget(Protocol):
    """One limit as this process sees it."""

    async def take(self, weight: float = 1.0) -> Place:
        """Wait for a place; the call has to follow at once."""

    async def freeze(self, seconds: float) -> None:
        """Let nobody call for this long, in any process: the provider refused a call."""


@dataclass(frozen=True)
class Claim:
    """What a request weighs in one of its limits, as far as is known before it is made."""

    budget: Budget
    weight: float = 1.0


class Reservation:
    """A place in every limit of one request; `used` once the request was made."""

    def __init__(self, places: Mapping[Budget, Place]) -> None:
        self._places = places
        self.used = False

    async def settle(self, budget: Budget, weight: float) -> None:
        """Take in what the request has weighed in one of its limits."""
        await self._places[budget].settle(weight)


@asynccontextmanager
async def reserve(
    claims: Sequence[Claim], stall_timer: StallTimer | None = None
) -> AsyncIterator[Reservation]:
    """Wait until a request has a place in each of its limits, in the order in which they stand.

    The narrowest is to be named first: while it is waited for, no place of a wider one gets late.
    """
    with stall_timer.excused() if stall_timer else nullcontext():
        places = await _take_all(claims)
    reservation = Reservation(places)
    try:
        yield reservation
    finally:
        await _give_back(places, used=reservation.used)


async def _take_all(claims: Sequence[Claim]) -> Mapping[Budget, Place]:
    while True:
        places: dict[Budget, Place] = {}
        try:
            for each in claims:
                places[each.budget] = await each.budget.take(each.weight)
            if not any(each.late for each in places.values()):
                return places
        except BaseException:
            await _give_back(places, used=False)
            raise
        await _give_back(places, used=False)


async def _give_back(places: Mapping[Budget, Place], *, used: bool) -> None:
    for each in places.values():
        await each.give_back(used=used)
