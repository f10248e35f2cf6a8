"""Storing refreshed tokens: with the connection's new state, and again until it is done."""

from prometheus_client import Counter
from tablesync.auth_service import audit
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.grants.grant import Grant
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.providers.base import OAuthProvider, TokenSet
from tablesync.contracts import ConnectionReconnected, ConnectionStatus
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.roles import persist

FALSE_DISCONNECTS = Counter(
    "auth_false_disconnects_total", "Grants given up that turned out to be alive.", ["provider"]
)


class Renewal:
    """Stores new tokens: whoever holds them must, whatever became of the lease."""

    def __init__(self, units: UnitsOfWork, connections: Connections, grants: Grants) -> None:
        self._units = units
        self._connections = connections
        self._grants = grants

    async def persist(self, grant: Grant, provider: OAuthProvider, tokens: TokenSet) -> None:
        """Store the tokens, unless the grant has moved; tried until the database says so."""
        await persist(lambda: self.store(grant, provider, tokens), "store refreshed grant")

    async def store(self, grant: Grant, provider: OAuthProvider, tokens: TokenSet) -> None:
        """Store the tokens in one transaction, unless the grant has moved."""
        revived = await self._units.run(lambda unit: self._store(unit, grant, provider, tokens))
        if revived:
            FALSE_DISCONNECTS.labels(provider.name).inc()

    async def _store(
        self, unit: UnitOfWork, grant: Grant, provider: OAuthProvider, tokens: TokenSet
    ) -> bool:
        """Bring the connection up to its grant; returns whether it had been given up too early."""
        if not await self._grants.advance(unit, grant, tokens, provider.idle_seconds):
            return False
        connection = await self._connections.get(
            grant.workspace_id, grant.connection_id, unit.session
        )
        version = connection.grant_version + 1
        revived = connection.status is ConnectionStatus.REVOKED
        scopes = tokens.scopes or connection.scopes
        await audit.record(
            unit,
            connection.workspace_id,
            audit.OURSELVES,
            "grant.refreshed",
            connection.id,
            version=version,
        )
        await self._connections.store(
            unit,
            connection,
            ConnectionReconnected if revived else None,
            status=ConnectionStatus.CONNECTED,
            cause=None,
            grant_version=version,
            scopes=scopes,
            missing_scopes=tuple(each for each in provider.required_scopes if each not in scopes),
        )
        return revived
