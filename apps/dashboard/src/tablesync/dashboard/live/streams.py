"""Streams of live updates (server-sent events): parts of a page, rendered anew when they change.

A stream that begins, begins again after a break or wakes up with its tab reads the state anew; it
replays nothing. It ends with its session or its membership, and beats so that proxies keep it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

from fastapi.responses import StreamingResponse
from tablesync.client import AwayError, NotFoundError, TableSyncError
from tablesync.dashboard.live.hub import EVERYTHING, Hub, Listener
from tablesync.dashboard.web.answers import SeeOtherError
from tablesync.dashboard.web.desk import Asked, Desk

BEAT_SECONDS = 15.0
# Several events at once make one update: nobody reads faster than that.
GATHER_SECONDS = 0.25
BEAT = b": beat\n\n"
ENDED = b"event: ended\ndata: \n\n"
# Renders what has changed, as far as a page shows it: one text for each update.
Render = Callable[[Asked, Collection[str]], Awaitable[str]]


class Streams:
    """The streams of this process, so many for each person."""

    def __init__(self, desk: Desk, hub: Hub, most: int) -> None:
        self._desk = desk
        self._hub = hub
        self._most = most
        self._open: Counter[str] = Counter()

    def answer(self, asked: Asked, render: Render) -> StreamingResponse:
        """Answer with a stream; one too many is told to come again later."""
        whose = asked.visitor.who.operator_id or ""
        if self._open[whose] >= self._most:
            return StreamingResponse(iter(()), 429, headers={"Retry-After": "30"})
        return StreamingResponse(
            self._parts(asked, render, whose),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
        )

    async def _parts(self, asked: Asked, render: Render, whose: str) -> AsyncIterator[bytes]:
        self._open[whose] += 1
        try:
            with self._hub.listening(asked.workspace_id) as listener:
                listener.tell(EVERYTHING)
                async for part in self._until_over(asked, render, listener):
                    yield part
        finally:
            self._open[whose] -= 1

    async def _until_over(
        self, asked: Asked, render: Render, listener: Listener
    ) -> AsyncIterator[bytes]:
        while not listener.closed:
            await _woken(listener)
            try:
                asked = await self._desk.asked(asked.request, asked.workspace_id)
                changed = listener.take()
                yield _event(await render(asked, changed)) if changed else BEAT
            except (SeeOtherError, NotFoundError):
                yield ENDED
                return
            except AwayError:
                # Whatever it was, it is looked at again with the next beat.
                listener.tell(EVERYTHING)
                yield BEAT
                await asyncio.sleep(BEAT_SECONDS)
            except TableSyncError:
                yield BEAT


async def _woken(listener: Listener) -> None:
    """Wait for a change and what comes with it, or for the next beat."""
    try:
        async with asyncio.timeout(BEAT_SECONDS):
            await listener.woken.wait()
    except TimeoutError:
        # An event may come before the state that it tells of: with each beat all is looked at.
        listener.tell(EVERYTHING)
    if not listener.closed and listener.changed:
        await asyncio.sleep(GATHER_SECONDS)


def _event(text: str) -> bytes:
    """Write one message: a line break ends a line of it."""
    if not text:
        return BEAT
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"{lines}\n".encode()
