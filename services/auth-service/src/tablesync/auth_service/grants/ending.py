"""Ending a grant that its provider has ended: once, with its event, by whoever finds out first."""

import structlog
from prometheus_client import Counter
from tablesync.auth_service import audit
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.grants.grant import Grant
from tablesync.auth_service.grants.grants import Grants
from tablesync.contracts import ConnectionCause, ConnectionRevoked, ConnectionStatus
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

log = structlog.get_logger()

LOST = Counter("auth_grants_lost_total", "Grants found ended.", ["provider", "cause"])


class Ending:
    """Gives grants up; nothing else revokes a connection."""

    def __init__(self, units: UnitsOfWork, connections: Connections, grants: Grants) -> None:
        self._units = units
        self._connections = connections
        self._grants = grants

    async def end(self, grant: Grant, intent_id: str | None, cause: ConnectionCause) -> bool:
        """Mark the grant as ended and publish it; False if it moved or another has taken over."""
        ended = await self._units.run(lambda unit: self._end(unit, grant, intent_id, cause))
        if ended is not None:
            LOST.labels(ended.provider, cause).inc()
            log.warning("connection revoked", connection_id=ended.id, cause=cause)
        return ended is not None

    async def _end(
        self, unit: UnitOfWork, grant: Grant, intent_id: str | None, cause: ConnectionCause
    ) -> Connection | None:
        if not await self._grants.end(unit, grant, intent_id):
            return None
        connection = await self._connections.get(
            grant.workspace_id, grant.connection_id, unit.session
        )
        await audit.record(
            unit,
            grant.workspace_id,
            audit.OURSELVES,
            "connection.revoked",
            connection.id,
            cause=cause,
        )
        return await self._connections.store(
            unit,
            connection,
            ConnectionRevoked,
            status=ConnectionStatus.REVOKED,
            cause=cause,
            grant_version=grant.version,
        )
