"""P16: limits that are no rates hold as well, as the provider's own server counts them."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from second_provider.budgets import ShopLimits
from second_provider.server import PAGE, Shop
from source_subjects import SHOP, ShopSubject
from sync_runner_rig import Rig
from tablesync.service_kit import clock
from tablesync.service_kit.mongo import Document
from tablesync.sync_runner.access.budgets import Budgets, Claim, Places, Points, reserve
from tablesync.sync_runner.access.budgets.places import PlaceBudget
from tablesync.sync_runner.access.budgets.rates import TimedPlace
from tablesync.sync_runner.access.budgets.rows import FURTHEST_SECONDS
from tablesync.sync_runner.sources.base import Page, SourceRecord
from tablesync.test_kit import eventually

COST = 2.0 + 0.5 * PAGE
# A moment, in unix milliseconds, of the next century.
FAR = 4.2e12


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    """Serve a shop."""
    async with Shop("orchard") as shop:
        yield shop


@pytest.fixture
def subject(rig: Rig, shop: Shop) -> ShopSubject:
    """Connect the shop."""
    return ShopSubject(rig, shop)


def limit(subject: ShopSubject, limits: ShopLimits) -> None:
    """Give the shop a plan that sync-runner knows."""
    subject.limits = limits
    subject.shop.points.limit(limits.points, limits.per_second)
    subject.shop.at_once.allowed = limits.at_once


async def read(subject: ShopSubject) -> list[SourceRecord]:
    """Read the shop's products as a process of its own does."""
    pages: list[Page] = []
    async with subject.opened() as source:
        opening = await source.open(subject.object_)
        begin = source.first_position(None, opening.began_ms)
        async for page in source.read(subject.object_, opening.properties, begin):
            pages.append(page)
    return [each for page in pages for each in page.records]


async def test_p16_points_are_never_overdrawn_by_several_processes(
    subject: ShopSubject, shop: Shop
) -> None:
    await subject.have(4 * PAGE)
    limit(subject, ShopLimits(points=4 * COST, per_second=8 * COST))
    found = await asyncio.gather(*(read(subject) for _ in range(5)))
    assert [len(each) for each in found] == [4 * PAGE] * 5
    assert shop.points.refused == 0
    assert shop.points.spent > 4 * COST, "more was needed than there was at first"


async def test_p16_points_that_a_call_did_not_need_are_given_back(
    subject: ShopSubject, shop: Shop
) -> None:
    """Ten calls may need 120 points and need 20: at a tenth of a point a second."""
    await subject.have(0)
    limit(subject, ShopLimits(points=4 * COST, per_second=0.1))
    async with asyncio.timeout(60):
        for _ in range(5):
            assert await read(subject) == []
    assert shop.points.refused == 0
    assert shop.points.spent == 2.0 * 2 * 5


async def test_p16_points_that_somebody_else_has_used_are_missed_once(
    subject: ShopSubject, shop: Shop
) -> None:
    await subject.have(2 * PAGE)
    limit(subject, ShopLimits(points=4 * COST, per_second=4 * COST))
    assert len(await read(subject)) == 2 * PAGE
    shop.points.drain()
    assert len(await read(subject)) == 2 * PAGE
    assert shop.points.refused <= 1, "what was told of the bucket was taken over"


async def test_p16_a_larger_plan_is_learned_from_the_answers(
    subject: ShopSubject, shop: Shop
) -> None:
    await subject.have(20 * PAGE)
    limit(subject, ShopLimits(points=2 * COST, per_second=0.1))
    shop.points.limit(100 * COST, 100 * COST)
    async with asyncio.timeout(60):  # with the plan that was known, this takes an hour
        assert len(await read(subject)) == 20 * PAGE
    assert shop.points.refused == 0


async def test_a_plan_that_gets_smaller_lets_nobody_wait_for_ever(rig: Rig) -> None:
    bucket = Budgets(rig.database).of(Points("smaller", capacity=100, per_second=100))
    await bucket.lower(0)
    waiting = asyncio.create_task(bucket.take(90))
    await asyncio.sleep(0.2)
    bucket.correct(capacity=20, per_second=100)
    async with asyncio.timeout(20):
        aside = await waiting
    assert aside.weight == 20


async def test_p16_no_more_calls_are_under_way_than_the_provider_answers(
    subject: ShopSubject, shop: Shop
) -> None:
    await subject.have(2 * PAGE)
    limit(subject, ShopLimits(at_once=2))
    shop.takes_seconds = 0.05
    found = await asyncio.gather(*(read(subject) for _ in range(5)))
    assert [len(each) for each in found] == [2 * PAGE] * 5
    assert (shop.at_once.refused, shop.at_once.most) == (0, 2)


async def test_a_place_is_not_held_by_who_waits_for_a_token(
    subject: ShopSubject, shop: Shop
) -> None:
    """Its account has one place: others have it meanwhile."""
    await subject.have(3)
    limit(subject, ShopLimits(at_once=1))
    subject.held.token_seconds = 0.5
    async with subject.opened() as source:
        await source.open(subject.object_)
        await asyncio.sleep(0.5)
        with subject.rig.auth.hanging("access-token"):
            asked = subject.rig.auth.times(SHOP, "access-token")
            waiting = asyncio.create_task(source.open(subject.object_))
            await eventually(lambda: subject.rig.auth.times(SHOP, "access-token") > asked)
            async with reserve([Claim(places(subject))]):
                assert not waiting.done()
        await waiting


async def nine_are_set_aside(rig: Rig) -> bool:  # told without waiting for a majority
    row = await rig.database["budgets"].find_one({"_id": "test/points"})
    return row is not None and [each["points"] for each in row["aside"]] == [9]


def places(subject: ShopSubject) -> PlaceBudget:
    return Budgets(subject.rig.database).of(Places(f"shop-at-once/{subject.shop.name}", 1))


async def test_what_was_reserved_and_not_used_is_there_again(rig: Rig) -> None:
    budgets = Budgets(rig.database)
    points, places = Points("test/points", 10, 0.001), Places("test/places", 1)
    bucket, at_once = budgets.of(points), budgets.of(places)
    async with asyncio.timeout(30):
        for _ in range(3):  # 27 points of 10
            async with reserve([Claim(bucket, 9), Claim(at_once)]):
                pass
    async with reserve([Claim(bucket, 9), Claim(at_once)]) as used:
        used.used = True

    async def it_has_paid() -> bool:
        row = await rig.stored("budgets", points.name)
        return bool(row["points"] < 2 and not row["aside"])

    await eventually(it_has_paid)


class LateOnce:
    """A limit whose first place comes so late that it may not be used."""

    def __init__(self) -> None:
        self.taken = 0

    def at_hand(self, weight: float = 1.0) -> None:
        return None

    async def take(self, weight: float = 1.0, since: float = 0.0) -> TimedPlace:
        self.taken += 1
        return TimedPlace(clock.seconds() - (60 if self.taken == 1 else 0), late_seconds=30)

    async def freeze(self, seconds: float) -> None:
        raise AssertionError("nobody met it")


@pytest.mark.parametrize("told", [(0, 50), (10, 0), (-1, -1)])
async def test_a_bucket_that_can_be_none_is_not_believed(
    rig: Rig, told: tuple[float, float]
) -> None:
    bucket = Budgets(rig.database).of(Points("test/points", 10, 0.001))
    bucket.correct(*told)
    async with asyncio.timeout(10), reserve([Claim(bucket, 9)]):
        await eventually(partial(nine_are_set_aside, rig))


async def test_a_place_that_comes_too_late_costs_no_points(rig: Rig) -> None:
    bucket, late = Budgets(rig.database).of(Points("test/points", 10, 0.001)), LateOnce()
    async with asyncio.timeout(30), reserve([Claim(bucket, 9), Claim(late)]):
        assert late.taken == 2


async def test_whoever_no_longer_waits_for_a_place_holds_none(rig: Rig) -> None:
    budget = Budgets(rig.database).of(Places("test/places", 1))
    async with reserve([Claim(budget)]):
        waiting = [asyncio.create_task(budget.take()) for _ in range(3)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def nobody_holds_it() -> bool:  # told without waiting for a majority
        row = await rig.database["budgets"].find_one({"_id": "test/places"})
        return row is not None and not row["holders"]

    await eventually(nobody_holds_it)


async def test_whoever_is_stopped_twice_leaves_no_place_behind(rig: Rig) -> None:
    """At whatever moment that is: while he waits, while he has them, while he gives them back."""
    budgets = Budgets(rig.database)
    bucket = budgets.of(Points("test/points", 10, 0.001))
    claims = [Claim(bucket, 9), Claim(budgets.of(Places("test/places", 1)))]

    async def hold() -> None:
        async with reserve(claims):
            await asyncio.sleep(0)

    for steps in range(0, 60, 2):
        task = asyncio.create_task(hold())
        for _ in range(steps):
            await asyncio.sleep(0.0005)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0.0005)
    async with asyncio.timeout(10), reserve(claims):
        await eventually(partial(nine_are_set_aside, rig))


@pytest.mark.parametrize(
    ("limit", "row"),
    [
        (Places("test/limit", 1), {"holders": [{"id": "of a wrong clock", "until": FAR}]}),
        (Points("test/limit", 10, 100), {"at": FAR, "points": 0}),
        (Points("test/limit", 10, 100), {"aside": [{"id": "x", "points": 10, "until": FAR}]}),
        (Points("test/limit", 10, 100), {"at": 0, "points": -1e15}),
    ],
)
async def test_what_a_wrong_clock_has_said_stops_nobody(
    rig: Rig, limit: Points | Places, row: Document
) -> None:
    await rig.database["budgets"].insert_one({"_id": limit.name, **row})
    async with asyncio.timeout(10), reserve([Claim(Budgets(rig.database).of(limit), 9)]):
        pass


@pytest.mark.parametrize("limit", [Places("test/limit", 1), Points("test/limit", 10, 100)])
async def test_a_freeze_that_a_wrong_clock_has_stored_is_over_soon(
    rig: Rig, limit: Points | Places
) -> None:
    await rig.database["budgets"].insert_one({"_id": limit.name, "next": FAR})

    async def call() -> None:
        async with reserve([Claim(Budgets(rig.database).of(limit))]):
            pass

    async def it_is_over_soon() -> bool:
        row = await rig.database["budgets"].find_one({"_id": limit.name})
        return row is not None and row["next"] <= 1000 * (time.time() + FURTHEST_SECONDS + 1)

    calling = asyncio.create_task(call())
    await eventually(it_is_over_soon)
    await rig.database["budgets"].update_one({"_id": limit.name}, {"$set": {"next": 0}})
    await calling


async def test_whoever_died_with_a_place_has_it_for_a_minute_at_most(rig: Rig) -> None:
    dead: Document = {"id": "dead", "until": 0.0}
    await rig.database["budgets"].insert_one({"_id": "test/places", "holders": [dead]})
    budget = Budgets(rig.database).of(Places("test/places", 1))
    async with asyncio.timeout(10), reserve([Claim(budget)]):

        async def only_one_holds_it() -> bool:  # told without waiting for a majority
            holders = (await rig.stored("budgets", "test/places"))["holders"]
            return len(holders) == 1 and holders[0]["id"] != "dead"

        await eventually(only_one_holds_it)


async def test_whoever_died_with_points_has_spent_them(rig: Rig) -> None:
    dead: Document = {"id": "dead", "until": 0.0, "points": 6}
    limit = Points("test/points", 10, 2)
    row = {"_id": limit.name, "points": 10, "at": time.time() * 1000, "aside": [dead]}
    await rig.database["budgets"].insert_one(row)
    began = time.monotonic()
    async with asyncio.timeout(30), reserve([Claim(Budgets(rig.database).of(limit), 6)]):
        assert time.monotonic() - began > 0.9, "four were left, and two came back in a second"
