"""Seeing through: what the database was asked to do is waited for, whoever is stopped meanwhile.

The driver does its work in threads: who stops waiting for it does not know whether it is done, and
what undoes it might be done before.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def seen_through(work: Awaitable[T]) -> T:
    """Await work to its end, however often this is cancelled: then it is raised that it was.

    The work has to end by itself: an operation of the driver does, by the client's time-out.
    """
    task = asyncio.ensure_future(work)
    stopped: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            stopped = error
    if stopped is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # nobody waits for it any more
    raise stopped
