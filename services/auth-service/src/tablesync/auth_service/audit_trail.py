"""The audit trail as people read it: newest first, of a workspace or of one connection."""

from typing import Any

from pydantic import AwareDatetime
from tablesync.auth_service.store import AUDIT
from tablesync.contracts.specs import Value
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.mongo import Database, Document

CONNECTION = "connection."
# What somebody looks for in a connection's history; a refresh every half hour is not of it.
_OF_A_CONNECTION = [
    f"{CONNECTION}{each}"
    for each in ("established", "reconnected", "revoked", "disconnected", "renamed")
]
_IN_ITS_PLACE: Document = {"number": {"$type": ["int", "long"]}}


class Entry(Value):
    """What was done; `actor` is an operator, or a service that acted by itself."""

    number: int
    at: AwareDatetime
    actor: str
    action: str
    subject: str
    detail: dict[str, str | int | bool | list[str] | None]

    @property
    def by(self) -> str:
        """Whoever did it: the link of a mail acted for its recipient."""
        return str(self.detail.get("recipient") or self.actor)

    @classmethod
    def from_document(cls, document: Document) -> "Entry":
        """Read the stored form."""
        return cls.model_validate(document)


class AuditTrail:
    """Reads the trail; an entry that cannot be read is named beside the others."""

    def __init__(self, database: Database) -> None:
        self._collection = database[AUDIT]

    async def page(self, workspace_id: str, at: PageRequest) -> Page[Entry]:
        """Return a page of all that was done in a workspace."""
        return await self._page(at, workspace_id=workspace_id)

    async def of_connection(
        self, workspace_id: str, connection_id: str, at: PageRequest
    ) -> Page[Entry]:
        """Return a page of what a connection has been through."""
        return await self._page(
            at,
            workspace_id=workspace_id,
            subject=connection_id,
            action={"$in": _OF_A_CONNECTION},
        )

    async def _page(self, at: PageRequest, **query: Any) -> Page[Entry]:
        return await read_page(
            self._collection,
            {**query, **_IN_ITS_PLACE},
            at,
            Entry.from_document,
            by="number",
            descending=True,
            unique=True,
        )
