"""Single flight: one task a key, out of reach of any caller's cancellation."""

import asyncio

import pytest
from tablesync.service_kit.single_flight import SingleFlight
from tablesync.test_kit.logs import own_logs


class Work:
    """Counts its calls and ends when told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.calls += 1
        await self.go.wait()
        return self.calls


async def test_p01_all_who_wait_share_one_call() -> None:
    flights, work = SingleFlight[int](), Work()
    waiting = [asyncio.create_task(flights.join("key", work)) for _ in range(100)]
    await asyncio.sleep(0)
    work.go.set()

    assert await asyncio.gather(*waiting) == [1] * 100
    assert await flights.join("key", work) == 2


async def test_p25_a_cancelled_caller_leaves_the_work_running() -> None:
    flights, work = SingleFlight[int](), Work()
    caller = asyncio.create_task(flights.join("key", work))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    work.go.set()

    await flights.drain()

    assert work.calls == 1


async def test_the_failure_of_what_nobody_waits_for_is_logged() -> None:
    flights = SingleFlight[None]()

    async def fail() -> None:
        raise ValueError("a token, perhaps")

    with own_logs() as logs:
        flights.launch("key", fail)
        await flights.drain()

    about = {"event": "work in the background failed", "error": "ValueError"}
    assert logs == [{**about, "log_level": "error"}]


async def test_an_error_reaches_all_who_wait() -> None:
    flights = SingleFlight[None]()

    async def fail() -> None:
        raise ValueError("no")

    outcomes = await asyncio.gather(
        *(flights.join("key", fail) for _ in range(3)), return_exceptions=True
    )

    assert [str(each) for each in outcomes] == ["no"] * 3
