"""What has changed, told to the streams of tabs that show it: an event is a hint, never content.

Each stream reads the state anew for its own viewer, so that what a tab is sent is what its viewer
may see, and nothing old is ever replayed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from prometheus_client import Gauge

STREAMS = Gauge("dashboard_streams", "Tabs that are sent live updates.")
EVERYTHING = "*"


@dataclass(eq=False)
class Listener:
    """One stream: what has changed since it last looked."""

    changed: set[str] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    made_room: bool = False

    @property
    def closed(self) -> bool:
        """Whether the stream is to end."""
        return self.over.is_set()

    def tell(self, what: str) -> None:
        """Note that something has changed."""
        self.changed.add(what)
        self.woken.set()

    def close(self) -> None:
        """End the stream: the process stops, and the tab finds another one."""
        self.over.set()
        self.woken.set()

    def make_room(self) -> None:
        """End the stream, since newer ones of the same person take all places."""
        self.made_room = True
        self.close()

    def take(self) -> set[str]:
        """Return what has changed, and forget it."""
        taken, self.changed = self.changed, set()
        self.woken.clear()
        return taken

    async def rest(self, seconds: float) -> None:
        """Wait, whatever changes meanwhile, unless the stream is to end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()


class Hub:
    """Knows the listeners of each workspace."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = defaultdict(set)

    def tell(self, workspace_id: str, what: str) -> None:
        """Tell all that listen to a workspace that something there has changed."""
        for each in self._listeners.get(workspace_id, ()):
            each.tell(what)

    def close(self) -> None:
        """End all streams."""
        for listeners in self._listeners.values():
            for each in listeners:
                each.close()

    @contextmanager
    def listening(self, workspace_id: str) -> Iterator[Listener]:
        """Listen to a workspace for a block."""
        listener = Listener()
        self._listeners[workspace_id].add(listener)
        STREAMS.inc()
        try:
            yield listener
        finally:
            STREAMS.dec()
            self._listeners[workspace_id].discard(listener)
            if not self._listeners[workspace_id]:
                del self._listeners[workspace_id]
