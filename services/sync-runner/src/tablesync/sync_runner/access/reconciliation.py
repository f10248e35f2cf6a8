"""Reconciliation with auth-service: a compensating read for what an event failed to say."""

from tablesync.service_kit import clock
from tablesync.sync_runner.access.connections import Connection, Connections
from tablesync.sync_runner.access.grants import AuthService

EVERY_SECONDS = 60.0
ASK_SECONDS = 1.0


class Reconciliation:
    """Asks for the state of every connection, and takes it in as an event would be."""

    def __init__(self, connections: Connections, auth: AuthService) -> None:
        self._connections = connections
        self._auth = auth
        self._asked_at = -ASK_SECONDS

    async def tick(self) -> float:
        """Take in what events failed to say; returns the seconds until the next time."""
        async for page in self._auth.connection_states():
            for state in page:
                await self._connections.take_in(state)
        return EVERY_SECONDS

    async def find(self, connection_id: str, workspace_id: str) -> Connection | None:
        """Return a connection, also one that was just connected; None for a foreign one.

        auth-service is asked at most once per second, since ids can be made up.
        """
        known = await self._connections.find(connection_id, workspace_id)
        if known is None and clock.seconds() - self._asked_at >= ASK_SECONDS:
            self._asked_at = clock.seconds()
            await self.tick()
            known = await self._connections.find(connection_id, workspace_id)
        return known
