"""The sandbox's clock: unix seconds and milliseconds, and how providers print them."""

import time
from datetime import UTC, datetime
from functools import lru_cache

now = time.time


def now_ms() -> float:
    """Return the current time in unix milliseconds."""
    return time.time() * 1000


def iso_milliseconds(unix_ms: float) -> str:
    """Print an instant as `2026-01-02T03:04:05.000Z`."""
    seconds, milliseconds = divmod(round(unix_ms), 1000)
    return f"{_whole_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=4096)
def _whole_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def java_instant(unix_ms: float) -> str:
    """Print an instant as Java does: the milliseconds vanish when they are zero."""
    text = iso_milliseconds(unix_ms)
    return text.replace(".000Z", "Z")


def parse_instant(text: str) -> int:
    """Return the unix milliseconds of an ISO 8601 text; raise ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
