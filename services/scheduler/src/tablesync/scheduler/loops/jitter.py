"""Jitter: spreads the catch-ups of one release over time, against a thundering herd."""

import random
from datetime import datetime, timedelta

PER_SECOND = 10.0


class Jitter:
    """Chooses moments from now on: so many a second, and within no more than some seconds."""

    def __init__(self, longest_seconds: float, per_second: float = PER_SECOND) -> None:
        self._longest_seconds = longest_seconds
        self._per_second = per_second

    def moment(self, now: datetime, among: int = 1) -> datetime:
        """Choose when one of so many catch-ups begins; few need not wait for long."""
        window = min(self._longest_seconds, among / self._per_second)
        share = random.random()  # noqa: S311 - spreads load, guards nothing
        return now + timedelta(milliseconds=round(share * window * 1000))
