"""Budgets (a distributed rate limiter): what all processes together may ask of a provider.

All limits that one request counts against are reserved at once, with what the request weighs in
each, and given back when it is over.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Protocol, Self

from prometheus_client import Counter
from tablesync.service_kit import clock
from tablesync.service_kit.mongo.seen_through import seen_through
from tablesync.sync_runner.stall import StallTimer

FROZEN = Counter("budget_frozen_total", "Times a provider refused a call for its limit.", ["kind"])


class Place(Protocol):
    """What one request has of one budget."""

    @property
    def ends_by_itself(self) -> bool:
        """Whether there is nothing to give back."""

    @property
    def good_until(self) -> float:
        """Until when it may be used, by `clock.seconds()`: later, it would crowd the next one."""

    async def settle(self, weight: float) -> None:
        """Take in what the request has weighed, as the provider says."""

    async def give_back(self, *, used: bool) -> None:
        """Let others have what the request no longer needs: all of it where none was made."""


class Budget(Protocol):
    """One limit as this process sees it."""

    def at_hand(self, weight: float = 1.0) -> Place | None:
        """Take a place that is here and that nobody waits for; None if it has to be waited for."""

    async def take(self, weight: float = 1.0, since: float = math.inf) -> Place:
        """Wait for a place; the call has to follow at once. Who waits longest is served first."""

    async def freeze(self, seconds: float) -> None:
        """Let nobody call for this long, in any process: the provider refused a call."""


@dataclass(frozen=True)
class Claim:
    """What a request weighs in one of its limits, as far as is known before it is made."""

    budget: Budget
    weight: float = 1.0


class Reservation:
    """A place in every limit of one request while a block runs; `used` once it was made."""

    def __init__(self, claims: Sequence[Claim], stall_timer: StallTimer | None) -> None:
        self._claims = claims
        self._stall_timer = stall_timer
        self._places: Mapping[Budget, Place] = {}
        self.used = False

    async def __aenter__(self) -> Self:
        with self._stall_timer.excused() if self._stall_timer else nullcontext():
            self._places = await _take_all(self._claims)
        return self

    async def __aexit__(self, *_: object) -> None:
        await _give_back(self._places, used=self.used)

    async def settle(self, budget: Budget, weight: float) -> None:
        """Take in what the request has weighed in one of its limits."""
        await self._places[budget].settle(weight)


def reserve(claims: Sequence[Claim], stall_timer: StallTimer | None = None) -> Reservation:
    """Wait until a request has a place in each of its limits, in the order in which they stand.

    The narrowest is to be named first: while it is waited for, no place of a wider one gets late.
    """
    return Reservation(claims, stall_timer)


async def _take_all(claims: Sequence[Claim]) -> Mapping[Budget, Place]:
    """Take what is missing until nothing is; what gets late meanwhile is missing again.

    Whoever has something that gets late leaves the line in which he stands: the place there goes
    to the next one. If he took it all the same, many could wait for ever and use up all places.
    He comes back as one who has waited since he came, so that nobody is always too late.
    """
    places: dict[Budget, Place] = {}
    since = clock.seconds()
    try:
        while missing := next((each for each in claims if each.budget not in places), None):
            if here := missing.budget.at_hand(missing.weight):
                places[missing.budget] = here
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_seconds_left(places)):
                    places[missing.budget] = await missing.budget.take(missing.weight, since)
            await _give_up_late(places)
    except BaseException:
        await _give_back(places, used=False)
        raise
    return places


def _seconds_left(places: Mapping[Budget, Place]) -> float | None:
    ends = [each.good_until for each in places.values()]
    return min(ends) - clock.seconds() if ends else None


async def _give_up_late(places: dict[Budget, Place]) -> None:
    now = clock.seconds()
    late = {budget: place for budget, place in places.items() if place.good_until < now}
    for budget in late:
        del places[budget]
    await _give_back(late, used=False)


async def _give_back(places: Mapping[Budget, Place], *, used: bool) -> None:
    """Give all of them back, whoever is stopped meanwhile; raises what kept one from it."""
    held = [each for each in places.values() if not each.ends_by_itself]
    if held:
        await seen_through(_give_all_back(held, used=used))


async def _give_all_back(held: Sequence[Place], *, used: bool) -> None:
    tried = (each.give_back(used=used) for each in held)
    for each in await asyncio.gather(*tried, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each
