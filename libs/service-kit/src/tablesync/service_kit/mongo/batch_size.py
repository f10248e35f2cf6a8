"""How many documents are taken at once: what is too much for its time must not stay so.

Documents differ a thousandfold in size, and machines in speed: how long the last batch took says
more than any number set beforehand.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tablesync.service_kit import clock
from tablesync.service_kit.errors import is_unavailable

# After a batch that was late the next one is so much smaller, and grows after each quick one.
SHRINKS_TO = 1 / 10
GROWS_BY = 2
QUICK_SECONDS = 1.0


class BatchSize:
    """The size of a loop's batches, at most so many."""

    def __init__(self, most: int) -> None:
        self._most = self._now = most

    @contextmanager
    def fitted(self) -> Iterator[int]:
        """Yield how many to take; how the block fares says how many are taken next."""
        size, began = self._now, clock.seconds()
        try:
            yield size
        except Exception as error:
            if is_unavailable(error):
                self._now = max(1, round(size * SHRINKS_TO))
            raise
        if clock.seconds() - began < QUICK_SECONDS:
            self._now = min(self._most, size * GROWS_BY)
