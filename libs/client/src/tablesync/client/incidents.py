"""Incidents with their mails, and what somebody wants to hear of them (notifier)."""

from collections.abc import AsyncIterator

from tablesync.client.edge import Edge
from tablesync.client.pages import Page, read_all, read_page
from tablesync.contracts.public_api.incidents import (
    IncidentStatus,
    IncidentView,
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
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[IncidentView]:
        """Return a page of them, newest first."""
        return await read_page(
            self._edge,
            "/v1/incidents",
            IncidentView,
            {"status": status, "limit": limit, "cursor": cursor},
        )

    def all(self, *, status: IncidentStatus | None = None) -> AsyncIterator[IncidentView]:
        """Yield them, newest first."""
        return read_all(self._edge, "/v1/incidents", IncidentView, status=status)

    async def get(self, incident_id: str) -> IncidentView:
        """Return one."""
        return await self._edge.get(f"/v1/incidents/{incident_id}", IncidentView)


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
