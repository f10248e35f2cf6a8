"""Spreads the catch-ups of one release over time, so that they do not all begin at once."""

import random
from datetime import datetime, timedelta


class Spread:
    """Chooses a moment within some seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def place(self, now: datetime) -> datetime:
        """Choose when one catch-up begins."""
        share = random.random()  # noqa: S311 - spreads load, guards nothing
        return now + timedelta(milliseconds=round(share * self._seconds * 1000))
