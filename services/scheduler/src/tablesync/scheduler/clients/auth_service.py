"""auth-service, as the scheduler asks it: how connections stand."""

from collections.abc import AsyncIterator, Sequence

import httpx
from tablesync.contracts import ConnectionEvent
from tablesync.contracts.internal_api import STATES_LIMIT, ConnectionStates
from tablesync.service_kit.http.answers import read_items

NAME = "auth-service"


class AuthServiceClient:
    """Asks auth-service; raises DependencyUnavailableError while it gives no answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def connection_states(self, since: int) -> AsyncIterator[Sequence[ConnectionEvent]]:
        """Yield pages of the states whose sequence is higher than `since`, the lowest first."""
        after: int | None = since
        while after is not None:
            query = {"since_sequence": after, "limit": STATES_LIMIT}
            response = await self._http.get("/internal/v1/connections", params=query)
            page = read_items(ConnectionStates, response, NAME)
            yield page.items
            after = page.next_since(after)
