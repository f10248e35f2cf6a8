"""Reconciliation with auth-service: a compensating read for what an event failed to say."""

from tablesync.service_kit import clock
from tablesync.service_kit.http.peer import ChangedStates
from tablesync.sync_runner.access.connections import Connection, Connections

EVERY_SECONDS = 60.0
ASK_SECONDS = 1.0


class Reconciliation:
    """Asks how connections stand that have changed, and takes it in as an event would be."""

    def __init__(self, connections: Connections, states: ChangedStates) -> None:
        self._connections = connections
        self._states = states
        self._asked_at = -ASK_SECONDS

    async def tick(self) -> float:
        """Take in what events failed to say; returns the seconds until the next time."""
        await self._catch_up()
        return EVERY_SECONDS

    async def find(self, connection_id: str, workspace_id: str) -> Connection | None:
        """Return a connection, also one that was just connected; None for a foreign one.

        auth-service is asked at most once per second, and for what is new alone, since ids can be
        made up.
        """
        known = await self._connections.find(connection_id, workspace_id)
        if known is None and clock.seconds() - self._asked_at >= ASK_SECONDS:
            self._asked_at = clock.seconds()
            await self._catch_up()
            known = await self._connections.find(connection_id, workspace_id)
        return known

    async def _catch_up(self) -> None:
        await self._states.take(self._connections.take_in_newer)
