"""Disconnecting by an operator: decisive here at once, and at the provider where that is safe."""

import asyncio

import structlog
from pydantic import SecretStr
from tablesync.auth_service import audit
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.errors import ProviderError, ProviderUnavailableError
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.providers.served import Providers
from tablesync.auth_service.store import through_outages
from tablesync.contracts import ConnectionCause, ConnectionRevoked, ConnectionStatus
from tablesync.service_kit.backoff import Backoff
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.roles import pause
from tablesync.service_kit.single_flight import SingleFlight

log = structlog.get_logger()

TRY_EVERY_SECONDS = 60.0
TRY_FOR_SECONDS = 3_600.0


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
            by=who.operator_id,
            status=ConnectionStatus.DISCONNECTED,
            cause=ConnectionCause.OPERATOR,
        )
        self.forgotten = (disconnected, token) if token else None
        return disconnected


class Disconnecting:
    """Forgets grants, and ends them at the provider if nobody has use for the same account."""

    def __init__(
        self,
        units: UnitsOfWork,
        connections: Connections,
        grants: Grants,
        providers: Providers,
    ) -> None:
        self._units = units
        self._connections = connections
        self._grants = grants
        self._providers = providers
        self._flights: SingleFlight[None] = SingleFlight()
        self._stopping = asyncio.Event()

    def begin(self, principal: Principal, connection_id: str) -> Disconnection:
        """Prepare to disconnect: its `work` is what one transaction does."""
        return Disconnection(self._connections, self._grants, principal, connection_id)

    def end_upstream(self, disconnection: Disconnection) -> None:
        """End what was forgotten at the provider too, in the background.

        Call it also if the transaction failed: a commit may have come to pass unheard.
        """
        if disconnection.forgotten is not None:
            connection, token = disconnection.forgotten
            act = connection.id, connection.sequence
            self._flights.launch(act, lambda: self._see_through(connection, token))

    async def drain(self) -> None:
        """Wait until nothing is under way; a provider that is away is asked once more."""
        self._stopping.set()
        await self._flights.drain()

    async def _see_through(self, connection: Connection, token: SecretStr) -> None:
        """End a grant as soon as MongoDB and the provider let us: nobody else has its token."""
        deadline, backoff = Deadline(TRY_FOR_SECONDS), Backoff(1.0, TRY_EVERY_SECONDS)
        while True:
            last = self._stopping.is_set() or deadline.passed()
            try:
                return await self._end(connection, token)
            except ProviderError as error:
                return _not_ended(connection, error)
            except ProviderUnavailableError as error:
                if last:
                    return _not_ended(connection, error)
                await pause(self._stopping, max(error.retry_after, backoff.next()))

    async def _end(self, connection: Connection, token: SecretStr) -> None:
        if await self._is_in_use(connection):
            return
        provider = self._providers.of(connection.provider)
        ended = await provider.at(connection.host).end(token)
        log.info("grant forgotten", connection_id=connection.id, ended_at_provider=ended)

    async def _is_in_use(self, connection: Connection) -> bool:
        """Look whether anybody is connected to the account, however long MongoDB is away.

        In a transaction: a plain read may be behind what was committed unheard.
        """
        return await through_outages(
            lambda: self._units.run(
                lambda unit: self._connections.account_in_use(connection, unit.session)
            ),
            "end grant upstream",
        )


def _not_ended(connection: Connection, error: Exception) -> None:
    """Tell whoever may want to end it at the provider by hand."""
    log.warning("grant not ended", connection_id=connection.id, error=repr(error))
