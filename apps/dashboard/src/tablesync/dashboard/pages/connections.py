"""One connection: its history, its name, and what is done to it and to all its syncs."""

import asyncio
from enum import StrEnum

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from tablesync.client import InvalidError
from tablesync.dashboard.pages.connection_page import (
    ShownPast,
    read_page,
    read_past,
    state_version,
)
from tablesync.dashboard.shown.cards import Deck
from tablesync.dashboard.web.desk import Desk, Member, Operator
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.silences import PAGE_SECONDS, Silent, or_silent, silent_among

FIELDS = {"name": "name"}


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
        page, past = await asyncio.gather(
            or_silent(read_page(asked, connection_id), PAGE_SECONDS),
            read_past(asked, connection_id, events, outages),
        )
        if isinstance(page, Silent):
            # What others know of it is shown all the same.
            return desk.waiting_page(
                asked,
                "pages/connection.html",
                connection=page,
                silent=[each for each in past.silent if each != page.service],
            )
        return desk.page(
            asked,
            "pages/connection.html",
            connection=page.connection,
            found=page,
            past=past,
            shown=ShownPast(past, page, asked),
            version=state_version(page, past),
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
