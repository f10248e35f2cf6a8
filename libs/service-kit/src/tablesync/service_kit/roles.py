"""Roles: the long-running parts of a service, each able to run alone and in replicas."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import stamina
from tablesync.service_kit.repeats import Trouble

T = TypeVar("T")
WAIT_MAX_SECONDS = 30.0


@dataclass(frozen=True)
class Role:
    """A named part: `run` works until the event is set, then finishes what it has begun."""

    name: str
    run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]


async def pause(stop: asyncio.Event, seconds: float, woken: asyncio.Event | None = None) -> None:
    """Wait, but no longer than until `stop`, or until `woken`."""
    waits = [asyncio.create_task(each.wait()) for each in (stop, woken) if each is not None]
    try:
        await asyncio.wait(waits, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()


async def repeat(
    tick: Callable[[], Awaitable[float]],
    stop: asyncio.Event,
    name: str,
    woken: asyncio.Event | None = None,
) -> None:
    """Call `tick` until `stop`; it returns how many seconds to wait, less if `woken` is set.

    A tick that fails is logged and called again: a ticker outlives every outage. A tick that
    has begun is finished.
    """
    woken, busy = woken or asyncio.Event(), asyncio.Lock()

    async def one() -> float:
        async with busy:
            return await tick()

    while not stop.is_set():
        woken.clear()
        seconds = await unless_stopped(persist(one, name), stop, busy)
        await pause(stop, seconds or 0.0, woken)


async def persist(
    work: Callable[[], Awaitable[T]],
    name: str,
    *,
    wait_max: float = WAIT_MAX_SECONDS,
    on: type[Exception] | Callable[[Exception], bool] = Exception,
) -> T:
    """Try `work` until it succeeds, with growing waits of at most `wait_max` seconds.

    Only what fails as `on` says is tried again.
    """
    trouble = Trouble("will try again", "done after all", work=name)
    async for attempt in stamina.retry_context(
        on=on, attempts=None, timeout=None, wait_initial=0.2, wait_max=wait_max
    ):
        with attempt:
            try:
                done = await work()
            except Exception as error:
                trouble.met(error)
                raise
            trouble.over()
            return done
    raise AssertionError("unreachable: the retries never end")


async def unless_stopped(
    work: Awaitable[T], stop: asyncio.Event, busy: asyncio.Lock | None = None
) -> T | None:
    """Await `work`; once `stop` is set, cancel it as soon as `busy` is free, and return None."""
    task = asyncio.ensure_future(work)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        async with busy or nullcontext():
            return task.result() if task.done() else None
    finally:
        stopped.cancel()
        if not task.done():
            await end(task)


async def end(task: "asyncio.Future[Any]") -> None:
    """Cancel a task and wait until it has ended; raises what it failed with.

    Whoever is stopped meanwhile is stopped: its own end is not taken for the task's.
    """
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()
