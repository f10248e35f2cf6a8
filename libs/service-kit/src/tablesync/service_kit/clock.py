"""Time inside one process; between processes `mongo.database_now` counts alone."""

import time
from datetime import datetime

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
