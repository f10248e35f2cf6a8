"""One connection: its history, its name, and what is done to it and to all its syncs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Generic, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError
from tablesync.client import InvalidError, Page
from tablesync.dashboard.shown.cards import Deck
from tablesync.dashboard.shown.connection_history import drawn_of, told_of
from tablesync.dashboard.web.desk import Desk, Member, Operator
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.silences import PAGE_SECONDS, Silent, or_silent, silent_among, told

T = TypeVar("T", bound=BaseModel)
FIELDS = {"name": "name"}
RUNS_DRAWN = 200


class Act(StrEnum):
    """What is done to all syncs of a connection at once."""

    PAUSE = "pause"
    RESUME = "resume"
    RUN = "run"


def routes(desk: Desk) -> APIRouter:
    """Make the routes that show one."""
    router = APIRouter(
        prefix="/w/{workspace_id}/connections/{connection_id}", include_in_schema=False
    )

    @router.get("")
    async def show(
        asked: Member, connection_id: str, events: str = "", outages: str = ""
    ) -> Response:
        """Show one; `events` and `outages` are from where on its past is listed."""
        tablesync = asked.visitor.tablesync
        connection, runs, entries, receipts = await asyncio.gather(
            or_silent(tablesync.connections.get(connection_id), PAGE_SECONDS),
            or_silent(tablesync.runs.page(connection_id=connection_id, limit=RUNS_DRAWN)),
            _read(partial(tablesync.connections.history, connection_id), events),
            _read(partial(tablesync.receipts.page, connection_id), outages),
        )
        given: dict[str, Any] = {
            "connection_id": connection_id,
            "receipts": receipts.listed,
            "events": events,
            "outages": outages,
            "silent": silent_among(*entries.read, runs, *receipts.read),
        }
        if isinstance(connection, Silent):
            # What others know of it is shown all the same.
            given["silent"] = silent_among(runs, *receipts.read)
            return desk.waiting_page(asked, "pages/connection.html", connection=connection, **given)
        known = told(runs, Page([]))
        drawn = drawn_of(
            connection,
            entries.newest.items,
            known.items,
            receipts.newest.items,
            asked.clock,
            lambda run_id: asked.path(f"/runs/{run_id}"),
            older=known.items[-1].requested_at if known.next_cursor and known.items else None,
        )
        return desk.page(
            asked,
            "pages/connection.html",
            connection=connection,
            drawn=drawn,
            entries=told_of(connection, entries.listed.items),
            next_events=entries.listed.next_cursor,
            card=Deck([connection], {}, None).card(connection, asked.clock),
            **given,
        )

    @router.get("/rename")
    async def ask_name(asked: Operator, connection_id: str) -> Response:
        connection = await asked.visitor.tablesync.connections.get(connection_id)
        return desk.page(asked, "pages/rename.html", connection=connection, form=Form())

    @router.post("/rename")
    async def rename(request: Request, asked: Member, connection_id: str) -> Response:
        form = await desk.form(request)
        connections = asked.visitor.tablesync.connections
        name = form.get("name").strip() or None
        try:
            await connections.rename(connection_id, name, idempotency_key=form.get("once"))
        except ValidationError as error:
            form = form.unreadable(error, FIELDS)
        except InvalidError as error:
            form = form.refused(error, FIELDS)
        else:
            return desk.back(request, asked.path("/integrations"), "The connection was renamed.")
        connection = await connections.get(connection_id)
        return desk.page(asked, "pages/rename.html", status=422, connection=connection, form=form)

    return router


@dataclass(frozen=True)
class Past(Generic[T]):
    """A list of what has been: its newest page, which is drawn, and the one that is listed."""

    read: tuple[Page[T] | Silent, ...]

    @property
    def newest(self) -> Page[T]:
        """Its first page."""
        return told(self.read[0], Page([]))

    @property
    def listed(self) -> Page[T]:
        """The page that was asked for."""
        return told(self.read[-1], Page([]))


async def _read(page: Callable[..., Awaitable[Page[T]]], cursor: str) -> Past[T]:
    """Read a list's newest page, and the one that begins at a cursor."""
    wanted = [page(), *([page(cursor=cursor)] if cursor else [])]
    return Past(tuple(await asyncio.gather(*(or_silent(each) for each in wanted))))


def act_routes(desk: Desk) -> APIRouter:
    """Make the routes that do something to one, and to its syncs."""
    router = APIRouter(
        prefix="/w/{workspace_id}/connections/{connection_id}", include_in_schema=False
    )

    @router.get("/disconnect")
    async def ask(asked: Operator, connection_id: str) -> Response:
        tablesync = asked.visitor.tablesync
        connection, uses = await asyncio.gather(
            tablesync.connections.get(connection_id),
            or_silent(tablesync.syncs.uses([connection_id])),
        )
        known = None if isinstance(uses, Silent) else {each.connection_id: each for each in uses}
        card = Deck([connection], {}, known).card(connection, asked.clock)
        return desk.page(asked, "pages/disconnect.html", shown=card, silent=silent_among(uses))

    @router.post("/disconnect")
    async def disconnect(request: Request, asked: Member, connection_id: str) -> Response:
        form = await desk.form(request)
        connection = await asked.visitor.tablesync.connections.disconnect(
            connection_id, idempotency_key=form.get("once")
        )
        name = connection.name or connection.account.name
        return desk.back(request, asked.path("/integrations"), f"{name} is disconnected.")

    @router.post("/{act}")
    async def change_syncs(
        request: Request, asked: Member, connection_id: str, act: Act
    ) -> Response:
        """Do one thing to all its syncs, and show what did not work."""
        form = await desk.form(request)
        syncs = asked.visitor.tablesync.syncs
        begin = {
            Act.PAUSE: syncs.pause_connection,
            Act.RESUME: syncs.resume_connection,
            Act.RUN: syncs.run_connection,
        }[act]
        change = await begin(connection_id, idempotency_key=form.get("once"))
        return desk.back(request, asked.path(f"/bulk-changes/{change.id}"))

    return router
