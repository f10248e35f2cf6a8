"""Time inside one process; between processes `mongo.database_now` counts alone."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache

BEAT_SECONDS = 0.5
# So long is nobody kept waiting by a busy machine, who does not compute himself.
SUSPENDED_SECONDS = 1.5
# `time.monotonic` stands still meanwhile. macOS has no CLOCK_BOOTTIME; its CLOCK_MONOTONIC runs on.
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


class _Pulse:
    """A thread that beats as long as the process runs, also while its event loop is blocked.

    Where no beat came for long, though nothing was computed, the process stood still.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = seconds(), time.process_time()
        self._still = 0.0
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def still_seconds(self) -> float:
        """Return how long the process has stood still since the first beat."""
        with self._lock:
            (before, used_before), self._last = self._last, (seconds(), time.process_time())
            now, used = self._last
            missed = now - before - (used - used_before) - BEAT_SECONDS
            self._still += missed if missed > SUSPENDED_SECONDS else 0.0
            return self._still

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            self.still_seconds()


@cache
def _pulse() -> _Pulse:
    return _Pulse()


class AwakeTime:
    """Time in which this process ran, whether or not its event loop came to its turns.

    So a process that is suspended (a paused container, a machine that sleeps) does not find that
    its time is over when it goes on; one that is blocked by its own code does.
    """

    def __init__(self) -> None:
        self._still_before = _pulse().still_seconds()

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
        return self._still() > 0

    async def _count(self, limit: float, scope: asyncio.Timeout) -> None:
        left, began = limit, seconds()
        while left > 0:
            await asyncio.sleep(left)
            left = limit + self._still() - (seconds() - began)
        scope.reschedule(asyncio.get_running_loop().time())

    def _still(self) -> float:
        return _pulse().still_seconds() - self._still_before
