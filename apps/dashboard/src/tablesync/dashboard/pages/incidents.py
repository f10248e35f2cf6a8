"""Incidents and the mails about them."""

from fastapi import APIRouter
from fastapi.responses import Response
from tablesync.contracts.public_api.incidents import IncidentStatus
from tablesync.dashboard.web.desk import Desk, Member

A_PAGE = 50


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/incidents", include_in_schema=False)

    @router.get("")
    async def show_all(asked: Member, status: str = "", cursor: str | None = None) -> Response:
        known = IncidentStatus(status) if status in set(IncidentStatus) else None
        page = await asked.visitor.tablesync.incidents.page(
            status=known, limit=A_PAGE, cursor=cursor
        )
        return desk.page(
            asked,
            "pages/incidents.html",
            incidents=page.items,
            chosen=status,
            next_cursor=page.next_cursor,
        )

    @router.get("/{incident_id}")
    async def show(asked: Member, incident_id: str) -> Response:
        incident = await asked.visitor.tablesync.incidents.get(incident_id)
        return desk.page(asked, "pages/incident.html", incident=incident)

    @router.get("/{incident_id}/mails/{mail_id}")
    async def preview(asked: Member, incident_id: str, mail_id: str) -> Response:
        mail = await asked.visitor.tablesync.mails.preview(mail_id)
        return desk.page(asked, "pages/mail.html", mail=mail, incident_id=incident_id)

    return router
