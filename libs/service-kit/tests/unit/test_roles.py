"""Roles: tickers outlive failures, finish what they began, and stop at once in a pause."""

import asyncio

import pytest
from tablesync.service_kit import roles
from tablesync.service_kit.messaging.broker import NACK_WAIT_MAX_SECONDS, NackWaits


async def test_a_ticker_outlives_a_failing_tick() -> None:
    stop, ticks = asyncio.Event(), 0

    async def tick() -> float:
        nonlocal ticks
        ticks += 1
        if ticks == 1:
            raise ValueError("once")
        if ticks == 3:
            stop.set()
        return 0

    await roles.repeat(tick, stop, "tests")
    assert ticks == 3


async def test_a_ticker_stops_at_once_while_it_waits() -> None:
    stop, ticked = asyncio.Event(), asyncio.Event()

    async def tick() -> float:
        ticked.set()
        return 3_600

    task = asyncio.create_task(roles.repeat(tick, stop, "tests"))
    await ticked.wait()
    stop.set()
    await asyncio.wait_for(task, 60)


async def test_p25_a_tick_that_has_begun_is_finished() -> None:
    stop, begun, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    finished = False

    async def tick() -> float:
        nonlocal finished
        begun.set()
        await go_on.wait()
        finished = True
        return 3_600

    task = asyncio.create_task(roles.repeat(tick, stop, "tests"))
    await begun.wait()
    stop.set()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    await asyncio.wait_for(task, 60)
    assert finished


async def test_unless_stopped_gives_the_result_or_none() -> None:
    async def forever() -> int:
        await asyncio.Event().wait()
        return 1

    async def at_once() -> int:
        return 1

    stop = asyncio.Event()
    assert await roles.unless_stopped(at_once(), stop) == 1
    stop.set()
    assert await roles.unless_stopped(forever(), stop) is None


async def test_unless_stopped_raises_what_the_work_raised() -> None:
    async def fails() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await roles.unless_stopped(fails(), asyncio.Event())


def test_nack_waits_grow_to_30_seconds_and_start_small_again() -> None:
    waits = NackWaits()
    grown = [waits.next() for _ in range(10)]
    assert grown[:3] == [0.5, 1.0, 2.0]
    assert grown[-1] == NACK_WAIT_MAX_SECONDS == 30
    waits.reset()
    assert waits.next() == 0.5
