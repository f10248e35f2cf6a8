"""Incidents and the mails about them."""

import asyncio
from collections.abc import Mapping, Sequence

from fastapi import APIRouter
from fastapi.responses import Response
from tablesync.client import AwayError, NotFoundError, TableSync
from tablesync.contracts.public_api.connections import ConnectionName
from tablesync.contracts.public_api.incidents import IncidentStatus, IncidentView
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
        page = await tablesync.incidents.page(status=known, limit=A_PAGE, cursor=cursor)
        return desk.page(
            asked,
            "pages/incidents.html",
            shown=await _shown(tablesync, page.items),
            chosen=status,
            next_cursor=page.next_cursor,
        )

    @router.get("/{incident_id}")
    async def show(asked: Member, incident_id: str) -> Response:
        tablesync = asked.visitor.tablesync
        (shown,) = await _shown(tablesync, [await tablesync.incidents.get(incident_id)])
        return desk.page(asked, "pages/incident.html", shown=shown)

    @router.get("/{incident_id}/mails/{mail_id}")
    async def preview(asked: Member, incident_id: str, mail_id: str) -> Response:
        mail = await asked.visitor.tablesync.mails.preview(mail_id)
        return desk.page(asked, "pages/mail.html", mail=mail, incident_id=incident_id)

    return router


async def _shown(
    tablesync: TableSync, incidents: Sequence[IncidentView]
) -> Sequence[ShownIncident]:
    """Show incidents by the names of what they are of, as far as anybody tells these."""
    named, names = await asyncio.gather(_named(tablesync), _sync_names(tablesync, incidents))
    return [
        ShownIncident(each, named.get(each.connection_id or ""), names.get(each.sync_id or ""))
        for each in incidents
    ]


async def _sync_names(
    tablesync: TableSync, incidents: Sequence[IncidentView]
) -> Mapping[str, str | None]:
    ids = {each.sync_id for each in incidents if each.sync_id}
    names = await asyncio.gather(*(_sync_name(tablesync, each) for each in ids))
    return dict(zip(ids, names, strict=True))


async def _sync_name(tablesync: TableSync, sync_id: str) -> str | None:
    try:
        return (await tablesync.syncs.get(sync_id)).name
    except (AwayError, NotFoundError):
        return None


async def _named(tablesync: TableSync) -> Mapping[str, ConnectionName]:
    """Return what connections are called; nothing while nobody tells: incidents are shown then."""
    try:
        return {each.id: each for each in await tablesync.connections.names()}
    except AwayError:
        return {}
