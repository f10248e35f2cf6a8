"""Whose streams there are: so many for each person, and the tab that was opened last has one.

A browser has few connections to one address, and a page needs them too. Where one stream is too
many, the oldest ends: its tab may be one that somebody has left.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from tablesync.dashboard.live.hub import Listener


class Places:
    """The streams of each person in this process, the oldest first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[str, list[Listener]] = defaultdict(list)

    def is_full(self, whose: str) -> bool:
        """Whether somebody's next stream ends their oldest."""
        return len(self._taken.get(whose, ())) >= self._most

    @contextmanager
    def taken(self, whose: str, listener: Listener) -> Iterator[None]:
        """Have a place for a block, or until a newer stream of the same person takes it."""
        streams = self._taken[whose]
        streams.append(listener)
        while len(streams) > self._most:
            streams.pop(0).make_room()
        try:
            yield
        finally:
            if listener in streams:
                streams.remove(listener)
            if not streams:
                self._taken.pop(whose, None)
