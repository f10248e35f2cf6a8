"""Connection states as auth-service tells them, and as they are known here."""

from collections.abc import AsyncIterator

import httpx
import structlog
from pydantic import ValidationError
from tablesync.contracts import ConnectionEvent
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.handlers import Handlers
from tablesync.scheduler.store import Store
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

log = structlog.get_logger()
SERVICE = "auth-service"
PAGE = 1_000
# Sequences follow the clock, but two transactions may commit in the other order.
OVERLAP_MS = 10 * 60 * 1_000


class States:
    """Keeps the known states true to auth-service's, whatever became of the events."""

    def __init__(
        self, client: httpx.AsyncClient, units: UnitsOfWork, store: Store, handlers: Handlers
    ) -> None:
        self._client = client
        self._units = units
        self._store = store
        self._handlers = handlers

    async def connection(self, workspace_id: str, connection_id: str) -> Connection | None:
        """Return a workspace's connection; asks auth-service if it is new or seems held."""
        known = await self._store.connections.get(connection_id)
        if known is None or known.held:
            await self.refresh(await self._store.connections.newest_sequence() - OVERLAP_MS)
            known = await self._store.connections.get(connection_id)
        return known if known and known.workspace_id == workspace_id else None

    async def refresh(self, since: int = 0) -> None:
        """Take over each state that is newer than the one known here."""
        async for page in self._pages(max(0, since)):
            known = await self._store.connections.sequences(event.connection_id for event in page)
            for event in page:
                if event.sequence > known.get(event.connection_id, 0):
                    await self._take_over(event)

    async def _take_over(self, event: ConnectionEvent) -> None:
        async def work(unit: UnitOfWork) -> None:
            await self._handlers.on_connection_changed(event, unit)

        await self._units.run(work)

    async def _pages(self, since: int) -> AsyncIterator[list[ConnectionEvent]]:
        while page := await self._page(since):
            yield page
            newest = max(event.sequence for event in page)
            if len(page) < PAGE or newest <= since:
                return
            since = newest

    async def _page(self, since: int) -> list[ConnectionEvent]:
        query = {"since_sequence": since, "limit": PAGE}
        response = await self._client.get("/internal/v1/connections", params=query)
        body = json_or_none(response)
        if not response.is_success or not isinstance(body, dict):
            raise DependencyUnavailableError(SERVICE)
        try:
            return [ConnectionEvent.model_validate(each) for each in body.get("items", [])]
        except ValidationError as error:
            log.error("auth-service tells states that cannot be read", error=str(error))
            raise DependencyUnavailableError(SERVICE) from error
