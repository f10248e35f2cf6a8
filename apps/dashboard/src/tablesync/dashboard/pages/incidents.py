"""Incidents and the mails about them."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import Response
from tablesync.client import AwayError, NotFoundError, TableSync
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.incidents import IncidentStatus
from tablesync.dashboard.shown.workspace.incidents import ShownIncident
from tablesync.dashboard.web.desk import Desk, Member

A_PAGE = 50


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/incidents", include_in_schema=False)

    @router.get("")
    async def show_all(asked: Member, status: str = "", cursor: str | None = None) -> Response:
        known = IncidentStatus(status) if status in set(IncidentStatus) else None
        tablesync = asked.visitor.tablesync
        page, connections = await asyncio.gather(
            tablesync.incidents.page(status=known, limit=A_PAGE, cursor=cursor),
            tablesync.connections.page(limit=1_000),
        )
        by_id = {each.id: each for each in connections.items}
        return desk.page(
            asked,
            "pages/incidents.html",
            shown=[ShownIncident(each, by_id.get(each.connection_id or "")) for each in page.items],
            chosen=status,
            next_cursor=page.next_cursor,
        )

    @router.get("/{incident_id}")
    async def show(asked: Member, incident_id: str) -> Response:
        tablesync = asked.visitor.tablesync
        incident = await tablesync.incidents.get(incident_id)
        connection = await _connection(tablesync, incident.connection_id)
        return desk.page(asked, "pages/incident.html", shown=ShownIncident(incident, connection))

    @router.get("/{incident_id}/mails/{mail_id}")
    async def preview(asked: Member, incident_id: str, mail_id: str) -> Response:
        mail = await asked.visitor.tablesync.mails.preview(mail_id)
        return desk.page(asked, "pages/mail.html", mail=mail, incident_id=incident_id)

    return router


async def _connection(tablesync: TableSync, connection_id: str | None) -> ConnectionView | None:
    """Return a connection; None while nobody tells of it: the incident is shown all the same."""
    try:
        return await tablesync.connections.get(connection_id) if connection_id else None
    except (NotFoundError, AwayError):
        return None
