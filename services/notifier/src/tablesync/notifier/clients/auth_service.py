"""auth-service, as the notifier asks it: who is told, fresh links, connection states."""

from collections.abc import AsyncIterator, Sequence

from tablesync.contracts import ConnectionEvent
from tablesync.contracts.internal_api import (
    STATES_LIMIT,
    ConnectionStates,
    Recipient,
    Recipients,
    ReconnectLinkAnswer,
    ReconnectLinkRequest,
)
from tablesync.notifier.clients.peer import PeerClient
from tablesync.service_kit.http.answers import read, read_items


class AuthServiceClient(PeerClient):
    """Asks auth-service."""

    name = "auth-service"

    async def recipients(self, connection_id: str, workspace_id: str) -> Sequence[Recipient]:
        """Return who may be mailed about a connection: its owner first, then admins."""
        path = f"/connections/{connection_id}/recipients"
        response = await self._get(path, workspace_id=workspace_id)
        return read_items(Recipients, response, self.name).items

    async def workspace_recipients(
        self, workspace_id: str, owner_id: str | None
    ) -> Sequence[Recipient]:
        """Return who may be mailed about a sync: its owner first, if known, then admins."""
        query = {"owner_id": owner_id} if owner_id else {}
        response = await self._get(f"/workspaces/{workspace_id}/recipients", **query)
        return read_items(Recipients, response, self.name).items

    async def reconnect_link(self, connection_id: str, workspace_id: str) -> ReconnectLinkAnswer:
        """Have a fresh reconnect link made."""
        body = ReconnectLinkRequest(workspace_id=workspace_id)
        response = await self._post(f"/connections/{connection_id}/reconnect-links", body)
        return read(ReconnectLinkAnswer, response, self.name)

    async def connection_states(self, since: int) -> AsyncIterator[ConnectionEvent]:
        """Yield each state whose sequence is higher than `since`, the lowest first."""
        after: int | None = since
        while after is not None:
            response = await self._get("/connections", since_sequence=after, limit=STATES_LIMIT)
            page = read_items(ConnectionStates, response, self.name)
            for state in page.items:
                yield state
            after = page.next_since(after)
