"""Compares connection states with auth-service: events make it fast, this makes it certain."""

import structlog
from tablesync.contracts import ConnectionEvent
from tablesync.notifier.clients.auth_service import AuthServiceClient
from tablesync.notifier.incidents import connections
from tablesync.notifier.store import CONNECTIONS
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork

log = structlog.get_logger()

# Sequences are milliseconds, and a commit may come later than its sequence says.
OVERLAP = 600_000


class Reconciliation:
    """Catches up on states whose events were lost or wait in the dead letters."""

    def __init__(
        self,
        database: Database,
        units: UnitsOfWork,
        auth: AuthServiceClient,
        every_seconds: float,
    ) -> None:
        self._known = database[CONNECTIONS]
        self._units = units
        self._auth = auth
        self._every_seconds = every_seconds
        self._seen = 0

    async def tick(self) -> float:
        """Compare once; give the seconds to wait before the next time."""
        since = max(0, self._seen - OVERLAP)
        try:
            async for state in self._auth.connection_states(since):
                await self._take(state)
                self._seen = max(self._seen, state.sequence)
        except DependencyUnavailableError as error:
            log.info("not reconciled", error=str(error))
        return self._every_seconds

    async def _take(self, state: ConnectionEvent) -> None:
        row = await self._known.find_one({"_id": state.connection_id}, {"sequence": 1})
        if row is None or row["sequence"] < state.sequence:
            await self._units.run(lambda unit: connections.apply(unit, state))
            log.info("connection state reconciled", connection_id=state.connection_id)
