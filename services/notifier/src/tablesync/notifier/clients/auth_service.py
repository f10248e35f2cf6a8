"""auth-service, as the notifier needs it: who is told, fresh links, connection states."""

from collections.abc import AsyncIterator, Sequence

import httpx
from tablesync.contracts import ConnectionEvent
from tablesync.contracts.internal_api import (
    STATES_LIMIT,
    ConnectionStates,
    Recipient,
    Recipients,
    ReconnectLinkAnswer,
    ReconnectLinkRequest,
)
from tablesync.notifier.clients.answers import ask, read, read_items

NAME = "auth-service"
PATH = "/internal/v1"


class AuthServiceClient:
    """Asks auth-service; raises DependencyUnavailableError while it is away."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def recipients(self, connection_id: str, workspace_id: str) -> Sequence[Recipient]:
        """Return who may be mailed about a connection: its owner first, then admins."""
        path = f"{PATH}/connections/{connection_id}/recipients"
        return await self._recipients(path, workspace_id=workspace_id)

    async def workspace_recipients(
        self, workspace_id: str, owner_id: str | None
    ) -> Sequence[Recipient]:
        """Return who may be mailed about a sync: its owner first, if known, then admins."""
        path = f"{PATH}/workspaces/{workspace_id}/recipients"
        return await self._recipients(path, **({"owner_id": owner_id} if owner_id else {}))

    async def reconnect_link(self, connection_id: str, workspace_id: str) -> ReconnectLinkAnswer:
        """Have a fresh reconnect link made."""
        path = f"{PATH}/connections/{connection_id}/reconnect-links"
        body = ReconnectLinkRequest(workspace_id=workspace_id).model_dump(mode="json")
        answer = await ask(self._http, NAME, "POST", path, json=body)
        return read(ReconnectLinkAnswer, answer, NAME)

    async def connection_states(self, since_sequence: int) -> AsyncIterator[ConnectionEvent]:
        """Yield the newest state of each connection that changed since, oldest sequence first."""
        since: int | None = since_sequence
        while since is not None:
            query = {"since_sequence": since, "limit": STATES_LIMIT}
            answer = await ask(self._http, NAME, "GET", f"{PATH}/connections", params=query)
            page = read_items(ConnectionStates, answer, NAME)
            for state in page.items:
                yield state
            since = page.next_since(since, STATES_LIMIT)

    async def _recipients(self, path: str, **query: str) -> Sequence[Recipient]:
        answer = await ask(self._http, NAME, "GET", path, params=query)
        return read_items(Recipients, answer, NAME).items
