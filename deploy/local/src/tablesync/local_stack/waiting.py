"""Waiting for a condition, with a deadline and never for a guess."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], *, timeout: float, what: str, interval: float = 0.05
) -> T:
    """Poll a condition every `interval` seconds until it is truthy; return its value.

    Raises:
        TimeoutError: after `timeout` seconds, naming `what` was waited for.

    """
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)
    return value


@overload
async def eventually(
    condition: Callable[[], Awaitable[T | None]], timeout: float = ..., interval: float = ...
) -> T: ...


@overload
async def eventually(
    condition: Callable[[], T | None], timeout: float = ..., interval: float = ...
) -> T: ...


async def eventually(
    condition: Callable[[], Any], timeout: float = 60.0, interval: float = 0.05
) -> Any:
    """Wait until a condition, sync or async, gives something truthy, and return that.

    Raises:
        AssertionError: after `timeout` seconds, with the last value.

    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        outcome = await value if inspect.isawaitable(value) else value
        if outcome:
            return outcome
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s; the last value was {outcome!r}")
        await asyncio.sleep(interval)
