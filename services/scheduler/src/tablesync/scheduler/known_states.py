"""Connection states as they are known here: a read-through copy of auth-service's."""

from functools import partial

from tablesync.scheduler.clients.auth_service import AuthServiceClient
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.handlers import Handlers
from tablesync.scheduler.store import Store
from tablesync.service_kit.http.peer import OVERLAP_MS
from tablesync.service_kit.mongo.reading import alone
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork


class KnownStates:
    """Keeps the known states true to auth-service's, whatever became of the events."""

    def __init__(
        self,
        auth_service: AuthServiceClient,
        units: UnitsOfWork,
        store: Store,
        handlers: Handlers,
    ) -> None:
        self._auth_service = auth_service
        self._units = units
        self._store = store
        self._handlers = handlers

    async def get(self, workspace_id: str, connection_id: str) -> Connection | None:
        """Return a workspace's connection; asks auth-service if it is new or seems held."""
        known = await self._store.connections.get(connection_id)
        if known is None or known.held:
            newest = await self._store.connections.newest_sequence(await self._store.now())
            await self.refresh(newest - OVERLAP_MS)
            known = await self._store.connections.get(connection_id)
        return known if known and known.workspace_id == workspace_id else None

    async def refresh(self, since: int = 0) -> None:
        """Take over each state that is newer than the one known here."""
        async for states in self._auth_service.connection_states(max(0, since)):
            known = await self._store.connections.sequences(each.connection_id for each in states)
            for state in states:
                if state.sequence > known.get(state.connection_id, 0):
                    work = self._units.run(partial(self._handlers.on_connection_event, state))
                    await alone(self._store.connections.collection, state.connection_id, work)
