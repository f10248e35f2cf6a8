"""Incidents with their mails, and what somebody wants to hear of them (notifier)."""

from collections.abc import AsyncIterator
from datetime import datetime

from tablesync.client.edge import Edge
from tablesync.client.pages import Page, read_all, read_page
from tablesync.contracts.public_api.incidents import (
    IncidentStatus,
    IncidentView,
    MailPreview,
    PreferencesEdit,
    PreferencesView,
)


class Incidents:
    """The incidents of a workspace."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def page(
        self,
        *,
        status: IncidentStatus | None = None,
        connection_id: str | None = None,
        sync_id: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[IncidentView]:
        """Return a page of them, newest first; `since` and `before` are of their opening.

        A connection's are its own, and those of its syncs.
        """
        query = {
            "status": status,
            "connection_id": connection_id,
            "sync_id": sync_id,
            "from": since.isoformat() if since else None,
            "to": before.isoformat() if before else None,
            "limit": limit,
            "cursor": cursor,
        }
        return await read_page(self._edge, "/v1/incidents", IncidentView, query)

    def all(self, *, status: IncidentStatus | None = None) -> AsyncIterator[IncidentView]:
        """Yield them, newest first."""
        return read_all(self._edge, "/v1/incidents", IncidentView, status=status)

    async def get(self, incident_id: str) -> IncidentView:
        """Return one."""
        return await self._edge.get(f"/v1/incidents/{incident_id}", IncidentView)


class Mails:
    """The mails about incidents."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def preview(self, mail_id: str) -> MailPreview:
        """Return what one says, its links left out; raises ConflictError where it says nothing."""
        return await self._edge.get(f"/v1/mails/{mail_id}/preview", MailPreview)


class Preferences:
    """What whoever asks wants to be mailed about."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def get(self) -> PreferencesView:
        """Return them."""
        return await self._edge.get("/v1/preferences", PreferencesView)

    async def change(
        self, edit: PreferencesEdit, *, idempotency_key: str | None = None
    ) -> PreferencesView:
        """Change them."""
        return await self._edge.change(
            "PATCH", "/v1/preferences", PreferencesView, edit, idempotency_key=idempotency_key
        )
