"""Loops that sleep until their time comes or somebody wakes them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from pymongo.errors import PyMongoError
from tablesync.service_kit.mongo import Collection
from tablesync.service_kit.roles import pause, persist, unless_stopped

POLL_SECONDS = 1.0


def role(
    tick: Callable[[], Awaitable[float]], woken: asyncio.Event, name: str
) -> Callable[[asyncio.Event], Coroutine[Any, Any, None]]:
    """Make a role that calls `tick` when it asked to be called, or is woken before.

    A tick that has begun is finished.
    """
    busy = asyncio.Lock()

    async def one() -> float:
        async with busy:
            return await tick()

    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            woken.clear()
            seconds = await unless_stopped(persist(one, name), stop, busy)
            await unless_stopped(pause(woken, seconds or 0.0), stop)

    return run


def watcher(
    collection: Collection, woken: asyncio.Event
) -> Callable[[asyncio.Event], Coroutine[Any, Any, None]]:
    """Make a role that wakes another at each change of a collection, in whatever process."""

    async def watch() -> None:
        while True:
            with suppress(PyMongoError):
                async with collection.watch(max_await_time_ms=1_000) as stream:
                    woken.set()
                    async for _ in stream:
                        woken.set()
            await asyncio.sleep(POLL_SECONDS)

    async def run(stop: asyncio.Event) -> None:
        await unless_stopped(watch(), stop)

    return run
