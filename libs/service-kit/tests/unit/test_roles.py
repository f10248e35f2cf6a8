"""Roles: tickers outlive failures, finish what they began, and stop at once in a pause."""

import asyncio

import pytest
from tablesync.service_kit import roles


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


async def test_a_ticker_that_is_woken_ticks_before_its_time() -> None:
    stop, woken, ticks = asyncio.Event(), asyncio.Event(), asyncio.Queue[int]()

    async def tick() -> float:
        ticks.put_nowait(1)
        return 3_600

    task = asyncio.create_task(roles.repeat(tick, stop, "tests", woken))
    await ticks.get()
    woken.set()
    await asyncio.wait_for(ticks.get(), 60)
    stop.set()
    await asyncio.wait_for(task, 60)
    assert ticks.empty()


async def test_a_pause_ends_at_stop_when_woken_and_in_time() -> None:
    stop, woken = asyncio.Event(), asyncio.Event()
    await roles.pause(stop, 0.0, woken)
    await roles.pause(stop, -1.0)
    asyncio.get_running_loop().call_soon(woken.set)
    await asyncio.wait_for(roles.pause(stop, 3_600, woken), 60)
    woken.clear()
    asyncio.get_running_loop().call_soon(stop.set)
    await asyncio.wait_for(roles.pause(stop, 3_600, woken), 60)


async def test_whoever_is_stopped_while_its_work_ends_is_stopped() -> None:
    stop = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            working.cancel()

    working = asyncio.create_task(roles.unless_stopped(work(), stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait([working])
    assert working.cancelled()


async def test_what_work_fails_with_while_it_ends_is_raised() -> None:
    stop = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while it ended")

    asyncio.get_running_loop().call_later(0.01, stop.set)
    with pytest.raises(ValueError, match="while it ended"):
        await roles.unless_stopped(work(), stop)
