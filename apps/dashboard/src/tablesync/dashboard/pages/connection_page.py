"""A connection's own page: how it is, what it has been through, and all of it that changes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from pydantic import BaseModel
from tablesync.client import Page
from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.connections import ConnectionEntry, ConnectionView
from tablesync.contracts.public_api.receipts import ReceiptSummary
from tablesync.contracts.public_api.runs import RunView
from tablesync.dashboard.live.parts import Part, left
from tablesync.dashboard.pages.integrations import deck_of
from tablesync.dashboard.shown.cards import Card
from tablesync.dashboard.shown.connection_history import Told, drawn_of, told_of
from tablesync.dashboard.shown.timeline import Timeline
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.silences import Silent, or_silent, silent_among, told

T = TypeVar("T", bound=BaseModel)
RUNS_DRAWN = 200
# How long a timeline of a week stands before it has moved by a pixel.
A_PIXEL_MINUTES = 10


@dataclass(frozen=True)
class ConnectionPage:
    """A connection as its card shows it; `silent` are those who do not tell what it needs."""

    card: Card
    silent: Sequence[str]

    @property
    def connection(self) -> ConnectionView:
        """What it shows."""
        return self.card.connection


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A list of what has been: its newest page, which is drawn, and the one from a cursor on."""

    cursor: str
    read: tuple[Page[T] | Silent, ...]

    @property
    def newest(self) -> Page[T]:
        """Its first page."""
        return told(self.read[0], Page([]))

    @property
    def listed(self) -> Page[T]:
        """The page that was asked for."""
        return told(self.read[-1], Page([]))

    @property
    def is_told(self) -> bool:
        """Whether anybody tells of the page that was asked for."""
        return not isinstance(self.read[-1], Silent)


@dataclass(frozen=True)
class Past:
    """What a connection has been through, as far as anybody tells."""

    runs: Page[RunView] | Silent
    events: Listing[ConnectionEntry]
    outages: Listing[ReceiptSummary]

    @property
    def silent(self) -> Sequence[str]:
        """Who does not tell."""
        return silent_among(*self.events.read, self.runs, *self.outages.read)

    @property
    def cursors(self) -> dict[str, str]:
        """From where on its lists are shown, by the names of their parameters."""
        return {"events": self.events.cursor, "outages": self.outages.cursor}


@dataclass(frozen=True)
class ShownPast:
    """The same in words and as a drawing; each part has a version of its own."""

    past: Past
    page: ConnectionPage
    asked: Asked

    @property
    def drawn(self) -> Timeline:
        """Its last days."""
        known = told(self.past.runs, Page([]))
        return drawn_of(
            self.page.connection,
            self.past.events.newest.items,
            known.items,
            self.past.outages.newest.items,
            self.asked.clock,
            lambda run_id: self.asked.path(f"/runs/{run_id}"),
            older=known.items[-1].requested_at if known.next_cursor and known.items else None,
        )

    @property
    def events(self) -> Sequence[Told]:
        """What happened to it, in words."""
        return told_of(self.page.connection, self.past.events.listed.items)

    @property
    def outages(self) -> Sequence[tuple[str, ReceiptSummary]]:
        """Its outages, and from when to when each was."""
        clock = self.asked.clock
        return [
            (clock.between(each.lost_at, each.back_at), each)
            for each in self.past.outages.listed.items
        ]

    @property
    def drawn_version(self) -> str:
        """What tells whether there is something else to draw, or it has moved visibly."""
        now, newest = self.asked.clock.now, (self.past.events.newest, self.past.outages.newest)
        moved = now.replace(minute=now.minute - now.minute % A_PIXEL_MINUTES)
        at = moved.replace(second=0, microsecond=0)
        return version_of(self.page.connection, self.past.runs, newest, at)

    @property
    def events_version(self) -> str:
        """What tells whether something has happened to it."""
        days = [self.asked.clock.on(each.at) for each in self.events]
        return version_of(self.events, days, self.past.events.listed.next_cursor)

    @property
    def outages_version(self) -> str:
        """What tells whether there is another outage, or one has become longer."""
        return version_of(self.outages, self.past.outages.listed.next_cursor)


def state_version(page: ConnectionPage, past: Past) -> str:
    """Return what tells whether how it is has changed, or who does not tell."""
    return version_of(page.card.version, page.silent, past.silent)


def parts(desk: Desk, asked: Asked, page: ConnectionPage, past: Past) -> list[Part]:
    """Return all of its page that changes by itself; what nobody tells of stays."""
    context, shown = desk.context(asked), ShownPast(past, page, asked)
    render = partial(desk.rendering.part, "parts/connection.html")
    version = state_version(page, past)
    others = [
        ("timeline", shown.drawn_version, not past.silent),
        ("outages", shown.outages_version, past.outages.is_told),
        ("events", shown.events_version, past.events.is_told),
    ]
    return [
        Part(
            "connection",
            context.version(version),
            partial(render, "state", page, past, version, context),
        ),
        *(
            Part(id_, context.version(version), partial(render, id_, shown, context))
            if is_told
            else left(id_)
            for id_, version, is_told in others
        ),
    ]


class KeptPast:
    """Reads for one stream what a connection has been through, as seldom as it can have changed.

    Runs of syncs that go on as they did change nothing else: they are looked at once a minute.
    """

    def __init__(self) -> None:
        self._of: object = None
        self._past: Past | None = None

    async def read(self, asked: Asked, page: ConnectionPage) -> Past:
        """Return it as it is now."""
        minute = asked.clock.now.replace(second=0, microsecond=0)
        of = (page.connection, _stages(page.card.subject.use), minute)
        if self._past is None or self._past.silent or self._of != of:
            self._past, self._of = await read_past(asked, page.connection.id), of
        return self._past


def _stages(use: ConnectionUse | None) -> object:
    """Return what of its syncs tells that one of them has come to something else."""
    return use and (use.states, use.gap, use.catch_up and use.catch_up.done)


async def read_page(asked: Asked, connection_id: str) -> ConnectionPage:
    """Read a connection and what its card needs beside."""
    connection = await asked.visitor.tablesync.connections.get(connection_id)
    deck, silent = await deck_of(asked, [connection])
    return ConnectionPage(deck.card(connection, asked.clock), silent)


async def read_past(asked: Asked, connection_id: str, events: str = "", outages: str = "") -> Past:
    """Read what it has been through; lists from these cursors on."""
    tablesync = asked.visitor.tablesync
    runs, entries, receipts = await asyncio.gather(
        or_silent(tablesync.runs.page(connection_id=connection_id, limit=RUNS_DRAWN)),
        _read(partial(tablesync.connections.history, connection_id), events),
        _read(partial(tablesync.receipts.page, connection_id), outages),
    )
    return Past(runs, entries, receipts)


async def _read(page: Callable[..., Awaitable[Page[T]]], cursor: str) -> Listing[T]:
    wanted = [page(), *([page(cursor=cursor)] if cursor else [])]
    return Listing(cursor, tuple(await asyncio.gather(*(or_silent(each) for each in wanted))))
