"""auth-service, as the notifier asks it: who is told, fresh links, connection states."""

from collections.abc import Sequence

import httpx
from tablesync.contracts.internal_api import (
    InvitationLinkAnswer,
    InvitationLinkRequest,
    Recipient,
    Recipients,
    ReconnectLinkAnswer,
    ReconnectLinkRequest,
)
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.answers import read, read_items
from tablesync.service_kit.http.peer import AuthServicePeer


class AuthServiceClient(AuthServicePeer):
    """Asks auth-service; raises UnknownToPeerError for what it does not know."""

    async def recipients(self, connection_id: str, workspace_id: str) -> Sequence[Recipient]:
        """Return who may be mailed about a connection: its owner first, then admins."""
        path = f"/connections/{connection_id}/recipients"
        response = await self._get(path, workspace_id=workspace_id)
        return self._recipients(response)

    async def workspace_recipients(
        self, workspace_id: str, owner_id: str | None
    ) -> Sequence[Recipient]:
        """Return who may be mailed about a sync: its owner first, if known, then admins."""
        query = {"owner_id": owner_id} if owner_id else {}
        response = await self._get(f"/workspaces/{workspace_id}/recipients", **query)
        return self._recipients(response)

    async def reconnect_link(
        self, connection_id: str, workspace_id: str, recipient_id: str
    ) -> ReconnectLinkAnswer:
        """Have a fresh reconnect link made for somebody."""
        body = ReconnectLinkRequest(workspace_id=workspace_id, recipient_id=recipient_id)
        response = await self._post(f"/connections/{connection_id}/reconnect-links", body)
        return read(ReconnectLinkAnswer, response, self.name)

    async def invitation_link(self, invitation_id: str, workspace_id: str) -> InvitationLinkAnswer:
        """Return an open invitation, with a fresh link to it."""
        body = InvitationLinkRequest(workspace_id=workspace_id)
        response = await self._post(f"/invitations/{invitation_id}/links", body)
        return read(InvitationLinkAnswer, response, self.name)

    def _recipients(self, response: httpx.Response) -> Sequence[Recipient]:
        """Return those that can be read; if there are only others, nobody is known yet."""
        found = read_items(Recipients, response, self.name)
        if found.unreadable and not found.items:
            raise DependencyUnavailableError(self.name)
        return found.items
