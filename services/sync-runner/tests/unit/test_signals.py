"""Signals: the first reason wins, a lost lease overrides it, and work is stopped at once."""

import asyncio

import pytest
from tablesync.contracts import RunFailureCause
from tablesync.sync_runner.errors import (
    ConnectionLostError,
    LeaseLostError,
    RunCancelledError,
    RunFailedError,
    ShuttingDownError,
)
from tablesync.sync_runner.signals import Signals
from tablesync.sync_runner.stall import StallTimer


async def test_the_first_reason_wins_but_a_lost_lease_overrides_it() -> None:
    signals = Signals()
    signals.check()
    signals.stop(RunCancelledError())
    signals.stop(ShuttingDownError())
    assert isinstance(signals.reason, RunCancelledError)
    signals.stop(LeaseLostError("run_1"))
    with pytest.raises(LeaseLostError):
        signals.check()


async def test_work_is_stopped_when_a_reason_comes() -> None:
    signals, stopped = Signals(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    asyncio.get_running_loop().call_soon(signals.stop, ConnectionLostError("con_1", "Lost."))
    with pytest.raises(ConnectionLostError):
        await signals.during(work())
    assert stopped.is_set()


async def test_work_that_ends_first_gives_its_result_or_its_error() -> None:
    async def fail() -> None:
        raise KeyError("x")

    async def give() -> int:
        return 7

    assert await Signals().during(give()) == 7
    with pytest.raises(KeyError):
        await Signals().during(fail())


async def test_a_run_without_progress_is_stalled_but_waits_are_excused() -> None:
    StallTimer(limit_seconds=60).check()
    excused = StallTimer(limit_seconds=-1)
    with pytest.raises(RunFailedError) as stalled:
        excused.check()
    assert stalled.value.cause is RunFailureCause.STALLED
    excused.excuse(60)
    excused.check()
    excused.restart()
    with pytest.raises(RunFailedError):
        excused.check()


async def test_whoever_is_stopped_while_its_work_ends_is_stopped() -> None:
    signals = Signals()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            working.cancel()

    working = asyncio.create_task(signals.during(work()))
    await asyncio.sleep(0)
    signals.stop(ConnectionLostError("con_1", "Lost."))
    await asyncio.wait([working])
    assert working.cancelled()
