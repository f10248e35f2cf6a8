"""Compares connection states with auth-service: events make it fast, this makes it certain."""

from collections.abc import Sequence

import structlog
from tablesync.contracts import ConnectionEvent
from tablesync.notifier.incidents.connections import Connections
from tablesync.notifier.store import Store
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.peer import ChangedStates
from tablesync.service_kit.mongo.reading import alone
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork

log = structlog.get_logger()


class Reconciliation:
    """Catches up on states whose events were lost or wait in the dead letters."""

    def __init__(
        self, store: Store, units: UnitsOfWork, states: ChangedStates, every_seconds: float
    ) -> None:
        self._store = store
        self._connections = Connections(store)
        self._units = units
        self._states = states
        self._every_seconds = every_seconds

    async def tick(self) -> float:
        """Compare once; return the seconds to wait before the next time."""
        try:
            await self._states.take(self._take_newer)
        except DependencyUnavailableError as error:
            log.info("not reconciled", error=str(error))
        return self._every_seconds

    async def _take_newer(self, states: Sequence[ConnectionEvent]) -> bool:
        """Take what is newer than what is known; False if one could not be."""
        known = await self._store.sequences(each.connection_id for each in states)
        newer = [each for each in states if each.sequence > known.get(each.connection_id, -1)]
        rows = self._store.connections
        return all([await alone(rows, each.connection_id, self._take(each)) for each in newer])

    async def _take(self, state: ConnectionEvent) -> None:
        await self._units.run(lambda unit: self._connections.take(state, unit))
        log.info("connection state reconciled", connection_id=state.connection_id)
