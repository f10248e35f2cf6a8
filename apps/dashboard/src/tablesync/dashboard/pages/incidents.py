"""Incidents and the mails about them."""

import asyncio
from collections.abc import Mapping

from fastapi import APIRouter
from fastapi.responses import Response
from tablesync.client import AwayError, TableSync
from tablesync.contracts.public_api.connections import ConnectionName
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
        page, named = await asyncio.gather(
            tablesync.incidents.page(status=known, limit=A_PAGE, cursor=cursor),
            _named(tablesync),
        )
        return desk.page(
            asked,
            "pages/incidents.html",
            shown=[ShownIncident(each, named.get(each.connection_id or "")) for each in page.items],
            chosen=status,
            next_cursor=page.next_cursor,
        )

    @router.get("/{incident_id}")
    async def show(asked: Member, incident_id: str) -> Response:
        tablesync = asked.visitor.tablesync
        incident, named = await asyncio.gather(
            tablesync.incidents.get(incident_id), _named(tablesync)
        )
        shown = ShownIncident(incident, named.get(incident.connection_id or ""))
        return desk.page(asked, "pages/incident.html", shown=shown)

    @router.get("/{incident_id}/mails/{mail_id}")
    async def preview(asked: Member, incident_id: str, mail_id: str) -> Response:
        mail = await asked.visitor.tablesync.mails.preview(mail_id)
        return desk.page(asked, "pages/mail.html", mail=mail, incident_id=incident_id)

    return router


async def _named(tablesync: TableSync) -> Mapping[str, ConnectionName]:
    """Return what connections are called; nothing while nobody tells: incidents are shown then."""
    try:
        return {each.id: each for each in await tablesync.connections.names()}
    except AwayError:
        return {}
