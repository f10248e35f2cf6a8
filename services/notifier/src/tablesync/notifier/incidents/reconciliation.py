"""Compares connection states with auth-service: events make it fast, this makes it certain."""

from collections.abc import AsyncIterator, Callable, Sequence

import structlog
from tablesync.contracts import ConnectionEvent
from tablesync.notifier.incidents.connections import Connections
from tablesync.notifier.store import Store
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork

log = structlog.get_logger()

# Sequences are milliseconds, and a commit may come later than its sequence says.
OVERLAP = 600_000

# Yields pages of the newest state of each connection that changed since a sequence.
StatesSince = Callable[[int], AsyncIterator[Sequence[ConnectionEvent]]]


class Reconciliation:
    """Catches up on states whose events were lost or wait in the dead letters."""

    def __init__(
        self, store: Store, units: UnitsOfWork, states: StatesSince, every_seconds: float
    ) -> None:
        self._store = store
        self._connections = Connections(store)
        self._units = units
        self._states = states
        self._every_seconds = every_seconds
        self._seen = 0

    async def tick(self) -> float:
        """Compare once; return the seconds to wait before the next time."""
        since = max(0, self._seen - OVERLAP)
        try:
            async for page in self._states(since):
                for state in page:
                    await self._take(state)
                    self._seen = max(self._seen, state.sequence)
        except DependencyUnavailableError as error:
            log.info("not reconciled", error=str(error))
        return self._every_seconds

    async def _take(self, state: ConnectionEvent) -> None:
        known = await self._store.connection(state.connection_id)
        if known is None or known.sequence < state.sequence:
            await self._units.run(lambda unit: self._connections.take(state, unit))
            log.info("connection state reconciled", connection_id=state.connection_id)
