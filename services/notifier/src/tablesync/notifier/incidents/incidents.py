"""Incidents as operators read them: each with its mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tablesync.contracts.public_api.incidents import IncidentStatus
from tablesync.notifier.mail.plan import Mail, Mails
from tablesync.notifier.models import Incident, incident_from_document
from tablesync.notifier.store import Store
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.reading import read


@dataclass(frozen=True)
class ToldIncident:
    """An incident and the mails about it, oldest first."""

    incident: Incident
    mails: list[Mail]


@dataclass(frozen=True)
class Wanted:
    """Which incidents somebody wants to see: those for which all of it holds.

    A connection's are its own, and those of its syncs; `since` and `before` are of their opening.
    """

    status: IncidentStatus | None = None
    connection_id: str | None = None
    sync_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def query(self, workspace_id: str) -> Document:
        """Return what finds them in a workspace."""
        same = {
            "status": self.status,
            "connection_id": self.connection_id,
            "sync_id": self.sync_id,
        }
        opened = {"$gte": self.since, "$lt": self.before}
        given = {name: value for name, value in same.items() if value is not None}
        bounds = {name: value for name, value in opened.items() if value is not None}
        return {"workspace_id": workspace_id, **given, **({"opened_at": bounds} if bounds else {})}


class Incidents:
    """Reads incidents, of one workspace at a time."""

    def __init__(self, store: Store) -> None:
        self._rows = store.incidents
        self._mails = Mails(store.database)

    async def page(self, workspace_id: str, wanted: Wanted, at: PageRequest) -> Page[ToldIncident]:
        """Return a page of a workspace's incidents, newest first."""
        query, newest_first = wanted.query(workspace_id), {"by": "opened_at", "descending": True}
        found = await read_page(self._rows, query, at, incident_from_document, **newest_first)
        return found.with_items(await self._with_mails(found.items))

    async def get(self, workspace_id: str, incident_id: str) -> ToldIncident | None:
        """Return one incident, if it is this workspace's."""
        row = await self._rows.find_one({"_id": incident_id, "workspace_id": workspace_id})
        if row is None:
            return None
        (told,) = await self._with_mails([read(self._rows, incident_from_document, row)])
        return told

    async def _with_mails(self, incidents: Sequence[Incident]) -> list[ToldIncident]:
        mails = await self._mails.shown([each.id for each in incidents])
        return [
            ToldIncident(each, [mail for mail in mails if each.id in mail.incident_ids])
            for each in incidents
        ]
