"""Disconnecting by an operator: decisive here at once, and at the provider where that is safe."""

import structlog
from pydantic import SecretStr
from tablesync.auth_service import audit
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.errors import ProviderError, ProviderUnavailableError
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts import ConnectionCause, ConnectionRevoked, ConnectionStatus
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.service_kit.single_flight import SingleFlight

log = structlog.get_logger()


class Disconnection:
    """One act of disconnecting, and the grant that it has made everybody here forget."""

    def __init__(
        self, connections: Connections, grants: Grants, principal: Principal, connection_id: str
    ) -> None:
        self._connections = connections
        self._grants = grants
        self._principal = principal
        self._connection_id = connection_id
        # The refresh token is in no database any more.
        self.forgotten: tuple[Connection, SecretStr] | None = None

    async def work(self, unit: UnitOfWork) -> Connection:
        """Disconnect; nothing changes for a connection that an operator disconnected before."""
        self.forgotten = None
        who = self._principal
        connection = await self._connections.get(
            who.workspace_id, self._connection_id, unit.session
        )
        if connection.status is ConnectionStatus.DISCONNECTED:
            return connection
        token = await self._grants.forget(unit, connection.id)
        await audit.record(
            unit, who.workspace_id, who.operator_id, "connection.disconnected", connection.id
        )
        disconnected = await self._connections.store(
            unit,
            connection,
            ConnectionRevoked,
            status=ConnectionStatus.DISCONNECTED,
            cause=ConnectionCause.OPERATOR,
        )
        self.forgotten = (disconnected, token) if token else None
        return disconnected


class Disconnecting:
    """Forgets grants, and ends them at the provider if nobody else has the same account."""

    def __init__(self, connections: Connections, grants: Grants, providers: Providers) -> None:
        self._connections = connections
        self._grants = grants
        self._providers = providers
        self._flights: SingleFlight[None] = SingleFlight()

    def begin(self, principal: Principal, connection_id: str) -> Disconnection:
        """Prepare to disconnect: its `work` is what one transaction does."""
        return Disconnection(self._connections, self._grants, principal, connection_id)

    def end_upstream(self, disconnection: Disconnection) -> None:
        """End what was forgotten at the provider too, in the background: nobody has use for it."""
        if disconnection.forgotten is not None:
            connection, token = disconnection.forgotten
            self._flights.launch(connection.id, lambda: self._end(connection, token))

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        await self._flights.drain()

    async def _end(self, connection: Connection, token: SecretStr) -> None:
        if await self._connections.shared(connection):
            return
        try:
            ended = await self._providers.of(connection.provider).end(token)
        except (ProviderError, ProviderUnavailableError) as error:
            log.warning("grant not ended", connection_id=connection.id, error=repr(error))
        else:
            log.info("grant forgotten", connection_id=connection.id, ended_at_provider=ended)
