"""Incidents and the mails about them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from tablesync.contracts.public_api.connections import ConnectionName
from tablesync.contracts.public_api.incidents import IncidentStatus, IncidentView, MailPreview
from tablesync.dashboard.live.parts import Part, left
from tablesync.dashboard.shown.story import story_of
from tablesync.dashboard.shown.syncs import ShownSync
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.shown.workspace.incidents import ShownIncident
from tablesync.dashboard.web.desk import Asked, Desk, Member
from tablesync.dashboard.web.silences import or_gone, or_silent, silent_among, told

A_PAGE, NOT_FOUND = 50, 404


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/incidents", include_in_schema=False)

    @router.get("")
    async def show_all(asked: Member, status: str = "", cursor: str | None = None) -> Response:
        found = await read_list(asked, status, cursor)
        return desk.page(
            asked,
            "pages/incidents.html",
            shown=found.shown,
            silent=found.silent,
            order=found.order,
            chosen=status,
            cursor=cursor or "",
            next_cursor=found.next_cursor,
        )

    @router.get("/{incident_id}")
    async def show(asked: Member, incident_id: str) -> Response:
        page = await read_page(asked, incident_id)
        return desk.page(asked, "pages/incident.html", found=page)

    @router.get("/{incident_id}/mails/{mail_id}")
    async def preview(asked: Member, incident_id: str, mail_id: str) -> Response:
        _, mail = await read_mail(asked, incident_id, mail_id)
        if mail is None:
            raise HTTPException(NOT_FOUND)
        live_path = asked.path(f"/live/incidents/{incident_id}/mails/{mail_id}")
        return desk.page(
            asked, "pages/mail.html", mail=mail, incident_id=incident_id, live_path=live_path
        )

    return router


@dataclass(frozen=True)
class FoundIncidents:
    """A page of incidents; `silent` are those who do not tell what they are of."""

    shown: Sequence[ShownIncident]
    silent: Sequence[str]
    next_cursor: str | None

    @property
    def order(self) -> str:
        """What tells whether incidents came, went, or stand in another order."""
        return version_of([each.incident.id for each in self.shown])


@dataclass(frozen=True)
class IncidentPage:
    """One incident; `silent` are those who do not tell what it is of."""

    shown: ShownIncident
    silent: Sequence[str]

    @property
    def version(self) -> str:
        """What tells whether it has changed since it was last shown."""
        return version_of(self.shown, self.silent)


async def read_list(asked: Asked, status: str, cursor: str | None) -> FoundIncidents:
    """Read a page of incidents."""
    known = IncidentStatus(status) if status in set(IncidentStatus) else None
    tablesync = asked.visitor.tablesync
    page = await tablesync.incidents.page(status=known, limit=A_PAGE, cursor=cursor)
    names = await read_names(asked, page.items)
    return FoundIncidents([names.of(each) for each in page.items], names.silent, page.next_cursor)


async def read_moved(
    asked: Asked, found: FoundIncidents, ids: Iterable[str]
) -> Sequence[ShownIncident]:
    """Read the incidents that a tab shows and that are elsewhere by now, or fit no more."""
    tab = {each.removeprefix("incident-") for each in ids if each.startswith("incident-")}
    elsewhere = sorted(tab - {each.incident.id for each in found.shown})
    tablesync = asked.visitor.tablesync
    read = await asyncio.gather(*(or_gone(tablesync.incidents.get(each)) for each in elsewhere))
    there = [each for each in read if each]
    names = await read_names(asked, there) if there else None
    return [names.of(each) for each in there] if names else ()


async def read_page(asked: Asked, incident_id: str) -> IncidentPage:
    """Read one incident."""
    tablesync = asked.visitor.tablesync
    incident = await tablesync.incidents.get(incident_id)
    names = await read_names(asked, [incident])
    return IncidentPage(names.of(incident), names.silent)


async def read_mail(
    asked: Asked, incident_id: str, mail_id: str
) -> tuple[IncidentView, MailPreview | None]:
    """Read an incident and a mail about it; None for one about another."""
    tablesync = asked.visitor.tablesync
    incident = await tablesync.incidents.get(incident_id)
    if mail_id not in {each.id for each in incident.mails}:
        return incident, None
    return incident, await tablesync.mails.preview(mail_id)


def changed_by(incident: IncidentView) -> set[str]:
    """Return the things whose events can change an incident, and what is mailed about it."""
    named = {"connection": incident.connection_id, "sync": incident.sync_id}
    return {f"{kind}:{id_}" for kind, id_ in named.items() if id_}


def list_parts(
    desk: Desk, asked: Asked, found: FoundIncidents, moved: Sequence[ShownIncident], order: str
) -> list[Part]:
    """Return all of the list that changes by itself; `moved` are shown and fit no more.

    Rows stay while nobody tells what their connections are called.
    """
    context, render = desk.context(asked), desk.rendering.part
    rows = [*found.shown, *moved]
    if found.silent:
        return [*(left(f"incident-{each.incident.id}") for each in rows), left("order")]
    hint = "Incidents have come or moved. Sort again" if found.order != order else ""
    return [
        *(
            Part(
                f"incident-{each.incident.id}",
                context.version(version_of(each, asked.clock.near(each.incident.opened_at))),
                partial(render, "parts/incidents.html", "row", each, context),
            )
            for each in rows
        ),
        Part(
            "order",
            "other" if hint else "same",
            partial(render, "parts/live.html", "order", bool(hint), hint),
        ),
    ]


def page_parts(desk: Desk, asked: Asked, page: IncidentPage) -> list[Part]:
    """Return all of an incident's page that changes by itself."""
    context = desk.context(asked)
    html = partial(desk.rendering.part, "parts/incidents.html", "incident", page, context)
    return [Part("incident", context.version(page.version), html)]


def mail_parts(desk: Desk, asked: Asked, mail: MailPreview | None, incident_id: str) -> list[Part]:
    """Return all of a mail's page that changes by itself, until it is sent."""
    if mail is None:
        return [left("mail")]
    context = desk.context(asked)
    given = ("parts/incidents.html", "mail", mail, incident_id, context)
    html = partial(desk.rendering.part, *given)
    return [Part("mail", context.version(version_of(mail)), html)]


@dataclass(frozen=True)
class Names:
    """What connections and syncs are called; `silent` are the services that do not tell."""

    connections: Mapping[str, ConnectionName]
    syncs: Mapping[str, ShownSync | None]
    silent: Sequence[str]

    def of(self, incident: IncidentView) -> ShownIncident:
        """Show an incident by the names of what it is of."""
        connection = self.connections.get(incident.connection_id or "")
        sync = self.syncs.get(incident.sync_id or "")
        lasts = incident.status == IncidentStatus.OPEN
        story = story_of(sync, {}) if sync and lasts else None
        return ShownIncident(incident, connection, sync.sync.name if sync else None, story)


async def read_names(asked: Asked, incidents: Sequence[IncidentView]) -> Names:
    """Read what the connections and syncs of incidents are called, and how those syncs are."""
    connections, syncs = await asyncio.gather(
        or_silent(asked.visitor.tablesync.connections.names()), or_silent(_syncs(asked, incidents))
    )
    return Names(
        {each.id: each for each in told(connections, ())},
        told(syncs, {}),
        silent_among(connections, syncs),
    )


async def _syncs(asked: Asked, incidents: Sequence[IncidentView]) -> Mapping[str, ShownSync | None]:
    """Read the syncs of incidents; None for one that was deleted."""
    syncs = asked.visitor.tablesync.syncs
    ids = [*{each.sync_id for each in incidents if each.sync_id}]
    read = await asyncio.gather(*(or_gone(syncs.get(each)) for each in ids))
    shown = [ShownSync(each, asked.clock) if each else None for each in read]
    return dict(zip(ids, shown, strict=True))
