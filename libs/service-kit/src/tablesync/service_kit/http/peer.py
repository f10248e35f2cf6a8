"""How a service asks another one on `/internal/v1`: what no answer means, and lists by the page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import ClassVar

import httpx
from tablesync.contracts import ConnectionEvent
from tablesync.contracts.internal_api import STATES_LIMIT, Body, ConnectionStates
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.service_kit.errors import DependencyUnavailableError, UnknownToPeerError
from tablesync.service_kit.http.answers import is_problem, read_items
from tablesync.service_kit.http.problems import NOT_FOUND
from tablesync.service_kit.mongo import Database, database_now

PREFIX = "/internal/v1"
# Whoever asks for states since the newest that he has seen goes so far back: sequences follow the
# clock, but two transactions may commit in the other order.
OVERLAP_MS = 10 * 60 * 1_000
# Yields pages of the newest state of each connection that changed since a sequence.
StatesSince = Callable[[int], AsyncIterator[Sequence[ConnectionEvent]]]


class PeerClient:
    """Asks a service.

    Raises DependencyUnavailableError while it gives no answer, and UnknownToPeerError where it
    knows nothing of what was asked about; a proxy's 404 is no answer.
    """

    name: ClassVar[str]

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def _get(self, path: str, **query: str | int) -> httpx.Response:
        return await self._ask(self._http.build_request("GET", PREFIX + path, params=query))

    async def _post(self, path: str, body: Body) -> httpx.Response:
        content = body.model_dump(mode="json", by_alias=True)
        return await self._ask(self._http.build_request("POST", PREFIX + path, json=content))

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await self._http.send(request)
        except httpx.RequestError as error:
            raise DependencyUnavailableError(self.name) from error
        if is_problem(response, httpx.codes.NOT_FOUND, NOT_FOUND):
            raise UnknownToPeerError(f"{self.name} does not know {request.url.path}")
        return response


class AuthServicePeer(PeerClient):
    """Asks auth-service what every service asks it: how connections stand."""

    name = "auth-service"

    async def connection_states(self, since: int = 0) -> AsyncIterator[Sequence[ConnectionEvent]]:
        """Yield pages of the states whose sequence is higher than `since`, the lowest first."""
        after: int | None = since
        while after is not None:
            response = await self._get("/connections", since_sequence=after, limit=STATES_LIMIT)
            page = read_items(ConnectionStates, response, self.name)
            yield page.items
            after = page.next_since(after)


class ChangedStates:
    """The states of connections that have changed since they were last taken in.

    The first time all are, and again once one could not be taken in. One whose sequence lies in the
    future, by the asking service's database, is taken in and hides nothing that changes until then.
    """

    def __init__(self, states: StatesSince, database: Database) -> None:
        self._states = states
        self._database = database
        self._seen = 0

    async def take(self, take_in: Callable[[Sequence[ConnectionEvent]], Awaitable[bool]]) -> None:
        """Hand over each page; `take_in` says whether it could take all of it."""
        now_ms = unix_milliseconds(await database_now(self._database))
        seen, complete = self._seen, True
        async for page in self._states(max(0, seen - OVERLAP_MS)):
            complete &= await take_in(page)
            seen = max([seen, *(each.sequence for each in page if each.sequence <= now_ms)])
        self._seen = seen if complete else 0
