"""Incidents as operators read them: each with its mails."""

from typing import Any

from pymongo import DESCENDING
from tablesync.contracts.specs import rfc3339
from tablesync.notifier.mail.plan import Mail, Mails, MailStatus
from tablesync.notifier.models import (
    Incident,
    IncidentStatus,
    SyncIncident,
    incident_from_document,
)
from tablesync.notifier.store import Store

Json = dict[str, Any]


class Incidents:
    """Reads incidents, of one workspace at a time."""

    def __init__(self, store: Store) -> None:
        self._rows = store.incidents
        self._mails = Mails(store.database)

    async def newest(
        self, workspace_id: str, status: IncidentStatus | None, limit: int
    ) -> list[Json]:
        """Return the newest incidents first."""
        wanted = {"workspace_id": workspace_id, **({"status": status} if status else {})}
        cursor = self._rows.find(wanted, sort=[("opened_at", DESCENDING)], limit=limit)
        found = [incident_from_document(each) async for each in cursor]
        mails = await self._mails.shown([each.id for each in found])
        return [_view(each, mails) for each in found]

    async def get(self, workspace_id: str, incident_id: str) -> Json | None:
        """Return one incident, if it is this workspace's."""
        row = await self._rows.find_one({"_id": incident_id, "workspace_id": workspace_id})
        if row is None:
            return None
        return _view(incident_from_document(row), await self._mails.shown([incident_id]))


def _view(incident: Incident, mails: list[Mail]) -> Json:
    return {
        "id": incident.id,
        "kind": incident.kind,
        "connection_id": incident.connection_id,
        "sync_id": incident.sync_id if isinstance(incident, SyncIncident) else None,
        "cause": incident.cause,
        "status": incident.status,
        "opened_at": rfc3339(incident.opened_at),
        "closed_at": rfc3339(incident.closed_at) if incident.closed_at else None,
        "mails": [_mail_view(each) for each in mails if incident.id in each.incident_ids],
    }


def _mail_view(mail: Mail) -> Json:
    return {
        "kind": mail.kind,
        "status": mail.status,
        "to": mail.to.email if mail.to else None,
        "message_id": mail.message_id,
        "sent_at": rfc3339(mail.sent_at) if mail.sent_at else None,
        "waits_for": mail.waits_for if mail.status is MailStatus.PENDING else None,
    }
