"""Incidents as operators read them: each with its mails."""

from typing import Any

from pymongo import DESCENDING
from tablesync.contracts.specs import rfc3339
from tablesync.notifier.mail.plan import MailStatus
from tablesync.notifier.store import INCIDENTS, MAILS
from tablesync.service_kit.mongo import Database, Document

Json = dict[str, Any]
# A mail that a digest carries, or that was cancelled, is no mail to the reader.
SHOWN = [MailStatus.PENDING, MailStatus.SENT, MailStatus.UNDELIVERABLE, MailStatus.UNWANTED]


class Incidents:
    """Reads incidents, of one workspace at a time."""

    def __init__(self, database: Database) -> None:
        self._incidents = database[INCIDENTS]
        self._mails = database[MAILS]

    async def newest(self, workspace_id: str, status: str | None, limit: int) -> list[Json]:
        """Return the newest incidents first."""
        wanted = {"workspace_id": workspace_id, **({"status": status} if status else {})}
        cursor = self._incidents.find(wanted, sort=[("opened_at", DESCENDING)], limit=limit)
        rows = await cursor.to_list(limit)
        mails = await self._mails_of([row["_id"] for row in rows])
        return [_view(row, mails) for row in rows]

    async def get(self, workspace_id: str, incident_id: str) -> Json | None:
        """Return one incident, if it is this workspace's."""
        row = await self._incidents.find_one({"_id": incident_id, "workspace_id": workspace_id})
        return _view(row, await self._mails_of([incident_id])) if row else None

    async def _mails_of(self, incident_ids: list[str]) -> list[Document]:
        cursor = self._mails.find(
            {"incident_ids": {"$in": incident_ids}, "status": {"$in": SHOWN}},
            sort=[("created_at", 1)],
        )
        return await cursor.to_list(None)


def _view(row: Document, mails: list[Document]) -> Json:
    return {
        "id": row["_id"],
        "kind": row["kind"],
        "connection_id": row.get("connection_id"),
        "sync_id": row.get("sync_id"),
        "cause": row["cause"],
        "status": row["status"],
        "opened_at": rfc3339(row["opened_at"]),
        "closed_at": rfc3339(row["closed_at"]) if row["closed_at"] else None,
        "mails": [_mail_view(mail) for mail in mails if row["_id"] in mail["incident_ids"]],
    }


def _mail_view(mail: Document) -> Json:
    sent_at = mail.get("sent_at")
    return {
        "kind": mail["kind"],
        "status": mail["status"],
        "to": mail["to"]["email"] if mail["to"] else None,
        "message_id": mail.get("message_id"),
        "sent_at": rfc3339(sent_at) if sent_at else None,
        "waits_for": mail.get("waits_for") if mail["status"] == MailStatus.PENDING else None,
    }
