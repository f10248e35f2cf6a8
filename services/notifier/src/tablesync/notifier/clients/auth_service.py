"""auth-service, as the notifier needs it: who is told, fresh links, connection states."""

from collections.abc import AsyncIterator

import httpx
from pydantic import AwareDatetime, TypeAdapter
from tablesync.contracts import ConnectionEvent
from tablesync.notifier.clients.answers import Answer, ask, read
from tablesync.notifier.mail.plan import Recipient

PAGE = 500


class ReconnectLink(Answer):
    """A fresh link; it is only ever put into a mail's body."""

    url: str
    expires_at: AwareDatetime


_RECIPIENTS: TypeAdapter[list[Recipient]] = TypeAdapter(list[Recipient])
_STATES: TypeAdapter[list[ConnectionEvent]] = TypeAdapter(list[ConnectionEvent])


class AuthServiceClient:
    """Asks auth-service; raises DependencyUnavailableError while it is away."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def recipients(self, connection_id: str, workspace_id: str) -> list[Recipient]:
        """Return who may be mailed about a connection: its owner first, then admins."""
        path = f"/internal/v1/connections/{connection_id}/recipients"
        return await self._recipients(path, workspace_id=workspace_id)

    async def workspace_recipients(
        self, workspace_id: str, owner_id: str | None
    ) -> list[Recipient]:
        """Return who may be mailed about a sync: its owner first, if known, then admins."""
        path = f"/internal/v1/workspaces/{workspace_id}/recipients"
        return await self._recipients(path, **({"owner_id": owner_id} if owner_id else {}))

    async def reconnect_link(self, connection_id: str, workspace_id: str) -> ReconnectLink:
        """Have a fresh reconnect link made."""
        path = f"/internal/v1/connections/{connection_id}/reconnect-links"
        answer = await ask(
            self._http, "auth-service", "POST", path, json={"workspace_id": workspace_id}
        )
        return read(TypeAdapter(ReconnectLink), answer, "auth-service")

    async def connection_states(self, since_sequence: int) -> AsyncIterator[ConnectionEvent]:
        """Yield the newest state of each connection that changed since, oldest sequence first."""
        since = since_sequence
        while True:
            query = {"since_sequence": since, "limit": PAGE}
            answer = await ask(
                self._http, "auth-service", "GET", "/internal/v1/connections", params=query
            )
            states = read(_STATES, answer.get("items"), "auth-service")
            for state in states:
                yield state
            newest = max((each.sequence for each in states), default=since)
            if newest <= since:
                return
            since = newest

    async def _recipients(self, path: str, **query: str) -> list[Recipient]:
        answer = await ask(self._http, "auth-service", "GET", path, params=query)
        return read(_RECIPIENTS, answer.get("items"), "auth-service")
