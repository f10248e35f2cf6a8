"""Incidents and the mails about them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from tablesync.client import NotFoundError, TableSync
from tablesync.contracts.public_api.connections import ConnectionName
from tablesync.contracts.public_api.incidents import IncidentStatus, IncidentView
from tablesync.dashboard.shown.workspace.incidents import ShownIncident
from tablesync.dashboard.web.desk import Desk, Member
from tablesync.dashboard.web.silences import or_silent, silent_among, told

A_PAGE, NOT_FOUND = 50, 404


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/incidents", include_in_schema=False)

    @router.get("")
    async def show_all(asked: Member, status: str = "", cursor: str | None = None) -> Response:
        known = IncidentStatus(status) if status in set(IncidentStatus) else None
        tablesync = asked.visitor.tablesync
        page = await tablesync.incidents.page(status=known, limit=A_PAGE, cursor=cursor)
        names = await read_names(tablesync, page.items)
        return desk.page(
            asked,
            "pages/incidents.html",
            shown=[names.of(each) for each in page.items],
            silent=names.silent,
            chosen=status,
            next_cursor=page.next_cursor,
        )

    @router.get("/{incident_id}")
    async def show(asked: Member, incident_id: str) -> Response:
        tablesync = asked.visitor.tablesync
        incident = await tablesync.incidents.get(incident_id)
        names = await read_names(tablesync, [incident])
        return desk.page(
            asked, "pages/incident.html", shown=names.of(incident), silent=names.silent
        )

    @router.get("/{incident_id}/mails/{mail_id}")
    async def preview(asked: Member, incident_id: str, mail_id: str) -> Response:
        tablesync = asked.visitor.tablesync
        incident = await tablesync.incidents.get(incident_id)
        if mail_id not in {each.id for each in incident.mails}:
            raise HTTPException(NOT_FOUND)
        mail = await tablesync.mails.preview(mail_id)
        return desk.page(asked, "pages/mail.html", mail=mail, incident_id=incident_id)

    return router


@dataclass(frozen=True)
class Names:
    """What connections and syncs are called; `silent` are the services that do not tell."""

    connections: Mapping[str, ConnectionName]
    syncs: Mapping[str, str | None]
    silent: Sequence[str]

    def of(self, incident: IncidentView) -> ShownIncident:
        """Show an incident by the names of what it is of."""
        connection = self.connections.get(incident.connection_id or "")
        return ShownIncident(incident, connection, self.syncs.get(incident.sync_id or ""))


async def read_names(tablesync: TableSync, incidents: Sequence[IncidentView]) -> Names:
    """Read what the connections and syncs of incidents are called."""
    connections, syncs = await asyncio.gather(
        or_silent(tablesync.connections.names()), or_silent(_sync_names(tablesync, incidents))
    )
    return Names(
        {each.id: each for each in told(connections, ())},
        told(syncs, {}),
        silent_among(connections, syncs),
    )


async def _sync_names(
    tablesync: TableSync, incidents: Sequence[IncidentView]
) -> Mapping[str, str | None]:
    ids = {each.sync_id for each in incidents if each.sync_id}
    names = await asyncio.gather(*(_sync_name(tablesync, each) for each in ids))
    return dict(zip(ids, names, strict=True))


async def _sync_name(tablesync: TableSync, sync_id: str) -> str | None:
    """Return what a sync is called; None for one that was deleted."""
    try:
        return (await tablesync.syncs.get(sync_id)).name
    except NotFoundError:
        return None
