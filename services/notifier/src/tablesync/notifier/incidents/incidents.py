"""Incidents as operators read them: each with its mails."""

from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.contracts.public_api.incidents import IncidentStatus
from tablesync.notifier.mail.plan import Mail, Mails
from tablesync.notifier.models import Incident, incident_from_document
from tablesync.notifier.store import Store
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.mongo.reading import read


@dataclass(frozen=True)
class ToldIncident:
    """An incident and the mails about it, oldest first."""

    incident: Incident
    mails: list[Mail]


class Incidents:
    """Reads incidents, of one workspace at a time."""

    def __init__(self, store: Store) -> None:
        self._rows = store.incidents
        self._mails = Mails(store.database)

    async def page(
        self, workspace_id: str, status: IncidentStatus | None, at: PageRequest
    ) -> Page[ToldIncident]:
        """Return a page of a workspace's incidents, newest first."""
        wanted = {"workspace_id": workspace_id, **({"status": status} if status else {})}
        found = await read_page(
            self._rows, wanted, at, incident_from_document, by="opened_at", descending=True
        )
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
