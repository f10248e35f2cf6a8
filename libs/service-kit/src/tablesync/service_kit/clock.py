"""Time inside one process; between processes `mongo.database_now` counts alone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

# `time.monotonic` stands still meanwhile. macOS has no CLOCK_BOOTTIME; its CLOCK_MONOTONIC runs on.
SLICE_SECONDS = 0.25
# So long is nobody kept waiting by a busy machine, who does not compute himself.
SUSPENDED_SECONDS = 2.0
_RUNS_WHILE_ASLEEP: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def unix_milliseconds(moment: datetime) -> int:
    """Turn a moment into whole unix milliseconds."""
    return round(moment.timestamp() * 1000)


def seconds() -> float:
    """Return the seconds of a clock that is never set, and that runs while the machine sleeps.

    Leases, tokens and deadlines are judged by it: somebody who wakes up must not believe that
    what was his in the evening is his still.
    """
    return time.clock_gettime(_RUNS_WHILE_ASLEEP)


class Deadline:
    """A point on the clock of `seconds()`."""

    def __init__(self, after: float) -> None:
        self._at = seconds() + after

    def remaining(self) -> float:
        """Return the seconds that are left, never below zero."""
        return max(0.0, self._at - seconds())

    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.remaining() == 0.0


class AwakeTime:
    """Time in which this process ran, counted in slices: however long one took, it counts once.

    So a process that is suspended (a paused container, a machine that sleeps) does not find that
    its time is over when it goes on.
    """

    def __init__(self) -> None:
        self._suspended = False
        self._last = seconds(), time.process_time()

    @asynccontextmanager
    async def limited_to(self, limit: float) -> AsyncIterator[None]:
        """Raise TimeoutError if the block takes longer than so many seconds awake."""
        async with asyncio.timeout(None) as scope:
            counting = asyncio.create_task(self._count(limit, scope))
            try:
                yield
            finally:
                counting.cancel()

    @property
    def was_suspended(self) -> bool:
        """Whether the process stood still for some time, since this was made."""
        self._look()
        return self._suspended

    async def _count(self, limit: float, scope: asyncio.Timeout) -> None:
        counted = 0.0
        while counted < limit:
            await asyncio.sleep(SLICE_SECONDS)
            counted += SLICE_SECONDS
            self._look()
        scope.reschedule(asyncio.get_running_loop().time())

    def _look(self) -> None:
        """Notice a slice that took far longer than it should, though nothing was computed."""
        (before, used_before), self._last = self._last, (seconds(), time.process_time())
        now, used = self._last
        if now - before - (used - used_before) > SLICE_SECONDS + SUSPENDED_SECONDS:
            self._suspended = True
