"""Disconnecting by an operator: decisive here at once, and at the provider where that is safe."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from pydantic import SecretStr
from tablesync.auth_service import audit
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.errors import ProviderError, ProviderUnavailableError
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.contracts import ConnectionCause, ConnectionRevoked, ConnectionStatus, Provider
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.service_kit.single_flight import SingleFlight

log = structlog.get_logger()


@dataclass(frozen=True)
class Disconnected:
    """A connection that was disconnected, and the refresh token that is now in no database."""

    connection: Connection
    refresh_token: SecretStr | None


class Disconnecting:
    """Forgets grants, and ends them at the provider if nobody else has the same account."""

    def __init__(
        self,
        grants: Grants,
        connections: Connections,
        providers: Mapping[Provider, OAuthProvider],
    ) -> None:
        self._grants = grants
        self._connections = connections
        self._providers = providers
        self._flights: SingleFlight[None] = SingleFlight()

    async def disconnect(
        self, unit: UnitOfWork, principal: Principal, connection_id: str
    ) -> Disconnected:
        """Disconnect; nothing changes for a connection that an operator disconnected before."""
        connection = await self._connections.get(
            principal.workspace_id, connection_id, unit.session
        )
        if connection.status is ConnectionStatus.DISCONNECTED:
            return Disconnected(connection, None)
        token = await self._grants.forget(unit, connection.id)
        await audit.record(
            unit,
            principal.workspace_id,
            principal.operator_id,
            "connection.disconnected",
            connection.id,
        )
        changed = await self._connections.store(
            unit,
            connection,
            ConnectionRevoked,
            status=ConnectionStatus.DISCONNECTED,
            cause=ConnectionCause.OPERATOR,
        )
        return Disconnected(changed, token)

    def end_upstream(self, disconnected: Disconnected) -> None:
        """End the grant at the provider too, in the background: it is of no use to anybody."""
        token, connection = disconnected.refresh_token, disconnected.connection
        if token is not None:
            self._flights.launch(connection.id, lambda: self._end(connection, token))

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        await self._flights.drain()

    async def _end(self, connection: Connection, token: SecretStr) -> None:
        if await self._connections.shared(connection):
            return
        try:
            ended = await self._providers[connection.provider].end(token)
        except (ProviderError, ProviderUnavailableError) as error:
            log.warning("grant not ended", connection_id=connection.id, error=repr(error))
        else:
            log.info("grant forgotten", connection_id=connection.id, ended_at_provider=ended)
