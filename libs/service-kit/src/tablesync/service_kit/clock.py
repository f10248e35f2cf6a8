"""Clocks: between processes only the database's counts, inside one only the monotonic one."""

import time
from datetime import UTC, datetime

from tablesync.service_kit.mongo import Database


async def database_now(database: Database) -> datetime:
    """Ask the database for the time: aware, UTC, milliseconds."""
    moment: datetime = (await database.command("hello"))["localTime"]
    return moment.astimezone(UTC)


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
