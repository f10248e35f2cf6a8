"""Streams of live updates (server-sent events): parts of a page, rendered anew when they change.

A stream that begins, begins again after a break or wakes up with its tab is told what the tab
shows, reads the state anew and sends what differs; it replays nothing. It ends with its session or
its membership, and beats so that proxies keep it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

import structlog
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from tablesync.client import AwayError, NotFoundError, TableSyncError
from tablesync.dashboard.live import notices
from tablesync.dashboard.live.hub import EVERYTHING, Hub, Listener
from tablesync.dashboard.live.places import Places
from tablesync.dashboard.web.answers import SeeOtherError
from tablesync.dashboard.web.desk import Asked, Desk

log = structlog.get_logger()

BEAT_SECONDS = 15.0
# What another service makes of an event, which no event of its own tells: it is looked at again.
FOLLOWS_SECONDS = 2.0
# Several events at once make one update, and numbers change once a second: nobody reads faster.
GATHER_SECONDS, REST_SECONDS = 0.25, 1.0
MOST_DOUBLED = 10
# How a tab asks that had to make room for others, and that nobody has come back to.
WAITS = "waits"
# How a tab says whose role its page was made for.
ROLE = "role"
TOO_MANY = 429
LATER = {"Retry-After": "30"}
BEAT = b": beat\n\n"
# Renders what has changed, as far as a page shows it: one text for each update.
Render = Callable[[Asked, Collection[str]], Awaitable[str]]


class Streams:
    """The streams of this process, so many for each person."""

    def __init__(self, desk: Desk, hub: Hub, most: int) -> None:
        self._desk = desk
        self._hub = hub
        self._places = Places(most)

    async def answer(self, asked: Asked, render: Render, *, follows: bool = False) -> Response:
        """Answer with a stream; a tab that waits for a place comes again until there is one.

        What is shown `follows` where it is made of events by somebody who tells none himself.
        """
        whose = asked.visitor.who.operator_id or ""
        if WAITS in asked.request.query_params and self._places.is_full(whose):
            return Response(status_code=TOO_MANY, headers=LATER)
        return StreamingResponse(
            self._parts(asked, render, whose, follows),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
        )

    async def _parts(
        self, asked: Asked, render: Render, whose: str, follows: bool
    ) -> AsyncIterator[bytes]:
        with (
            self._hub.listening(asked.workspace_id) as listener,
            self._places.taken(whose, listener),
        ):
            listener.tell(EVERYTHING)
            async for part in self._until_over(asked, render, listener, follows):
                yield part
            if listener.made_room:
                yield notices.CROWDED

    async def _until_over(
        self, asked: Asked, render: Render, listener: Listener, follows: bool
    ) -> AsyncIterator[bytes]:
        failures = 0
        patience = BEAT_SECONDS
        # What a page was made for: the parts of it that never change offer what that role may do.
        role = asked.request.query_params.get(ROLE) or asked.visitor.who.role
        # What a stream before this one has told of a service, its tab may show still.
        is_told = True
        while not listener.closed:
            has_changed = await _woken(listener, patience)
            patience = FOLLOWS_SECONDS if has_changed and follows else BEAT_SECONDS
            try:
                was, (asked, told) = asked, await self._look(asked, render, listener)
            except _OverError as error:
                yield _last(self._desk, error.over)
                return
            except TableSyncError as error:
                # Whatever has changed is still to be told, as soon as the service answers again.
                listener.tell(EVERYTHING)
                failures, is_told = failures + 1, True
                if not isinstance(error, AwayError):
                    log.warning("a live update was refused", error=type(error).__name__)
                yield _event(notices.untold(self._desk, asked, error))
            else:
                is_new = is_told or asked.visitor.who.role != was.visitor.who.role
                yield _event((self._notice(asked, role) if is_new else "") + told)
                failures, is_told = 0, False
            await listener.rest(min(BEAT_SECONDS, REST_SECONDS * 2 ** min(failures, MOST_DOUBLED)))

    def _notice(self, asked: Asked, role: str | None) -> str:
        """Render what a tab is told of itself: nothing, or that its page is another role's."""
        if asked.visitor.who.role == role:
            return notices.NOTHING
        return notices.role_changed(self._desk, asked)

    async def _look(self, before: Asked, render: Render, listener: Listener) -> tuple[Asked, str]:
        """Return who the viewer is by now, and what has changed for them; raises _OverError."""
        request = before.request
        try:
            now = await self._desk.asked(request, before.workspace_id)
        except (SeeOtherError, NotFoundError) as error:
            raise _OverError(notices.why_over(error, request)) from error
        changed = listener.take()
        try:
            return now, await render(now, changed) if changed else ""
        except NotFoundError as error:
            raise _OverError(notices.DELETED) from error


def over(desk: Desk, request: Request, error: SeeOtherError | NotFoundError) -> Response:
    """Answer whoever may have no stream: it ends, and its tab says why and asks no more."""
    said = _last(desk, notices.why_over(error, request))
    return Response(said, media_type="text/event-stream")


class _OverError(Exception):
    """A stream is over."""

    def __init__(self, over: notices.Notice) -> None:
        super().__init__(over.title)
        self.over = over


def _last(desk: Desk, why: notices.Notice) -> bytes:
    return _event(notices.rendered(desk, why)) + notices.ENDED


async def _woken(listener: Listener, seconds: float) -> bool:
    """Wait for a change and what comes with it, or so long; return whether there was one."""
    has_changed = True
    try:
        async with asyncio.timeout(seconds):
            await listener.woken.wait()
    except TimeoutError:
        # An event may come before the state that it tells of, and times pass without any: with
        # each beat all is looked at.
        has_changed = False
        listener.tell(EVERYTHING)
    await listener.rest(GATHER_SECONDS)
    return has_changed


def _event(text: str) -> bytes:
    """Write one message: a line break ends a line of it."""
    if not text:
        return BEAT
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"{lines}\n".encode()
