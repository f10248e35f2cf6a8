"""Lines: who waits for a limit in this process, and whose turn it is."""

import asyncio
from bisect import insort
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

Waiter = tuple[float, int, "asyncio.Future[None]"]


class Line:
    """A lock that is had next by whoever waits longest, also if he was elsewhere meanwhile."""

    def __init__(self) -> None:
        self._held = False
        self._waiting: list[Waiter] = []
        self._numbers = count()

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a turn, or waits for one."""
        return not self._held

    @asynccontextmanager
    async def turn(self, since: float) -> AsyncIterator[None]:
        """Wait for a turn, as somebody who waits since then."""
        await self._come(since)
        try:
            yield
        finally:
            self._call_next()

    async def _come(self, since: float) -> None:
        if not self._held:
            self._held = True
            return
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = since, next(self._numbers), called
        insort(self._waiting, waiter)
        try:
            await called
        except BaseException:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif not called.cancelled():  # its turn came at the moment at which it left
                self._call_next()
            raise

    def _call_next(self) -> None:
        while self._waiting:
            *_, called = self._waiting.pop(0)
            if not called.done():
                called.set_result(None)
                return
        self._held = False
