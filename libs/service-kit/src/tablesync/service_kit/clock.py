"""Time inside one process; between processes `mongo.database_now` counts alone."""

import time
from datetime import datetime


def unix_milliseconds(moment: datetime) -> int:
    """Turn a moment into whole unix milliseconds."""
    return round(moment.timestamp() * 1000)


class Deadline:
    """A point on this process's monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left, never below zero."""
        return max(0.0, self._at - time.monotonic())

    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.remaining() == 0.0
