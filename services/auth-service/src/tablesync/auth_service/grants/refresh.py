"""Refreshing a grant: one at a time across all processes, and never torn without a trace.

The steps: take the lease → read again → write the intent → send → store by compare-and-set.
An intent that is found open and not quite young means that somebody died, or never learned the
outcome, between sending and storing. For a provider that rotates, the stored access token then
tells: accepted, nothing had happened; rejected, the stored refresh token is tried once more, and
if that is refused too, the rotation is lost.
"""

import asyncio

import structlog
from prometheus_client import Counter
from tablesync.auth_service import audit
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.errors import (
    AppRefusedError,
    GrantLostError,
    ProviderUnavailableError,
    RefreshConflictError,
)
from tablesync.auth_service.grants.grant import Grant
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.providers.base import OAuthProvider, Probe, TokenSet
from tablesync.contracts import (
    ConnectionCause,
    ConnectionReconnected,
    ConnectionRevoked,
    ConnectionStatus,
    Provider,
)
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.mongo.leases import Lease, Leases
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.roles import persist

log = structlog.get_logger()

LEASE_SECONDS = 15.0
LEASE_WAIT_SECONDS = 20.0
LEASE_POLL_SECONDS = 0.05
CONFLICT_WAIT_SECONDS = 2.0
# A refresh ends within its deadline of 10 s: a younger intent may be one under way, whatever
# became of its sender's lease.
UNDER_WAY_SECONDS = 12.0
APP_REFUSED_COOLDOWN_SECONDS = 60.0
ACTOR = "auth-service"

REFRESHES = Counter("auth_refreshes_total", "Refreshes by outcome.", ["provider", "outcome"])
FALSE_DISCONNECTS = Counter(
    "auth_false_disconnects_total", "Grants given up that turned out to be alive.", ["provider"]
)
LOST = Counter("auth_grants_lost_total", "Grants found ended.", ["provider", "cause"])


class Refresher:
    """Refreshes grants and ends those that the provider has ended.

    Every method that sends a refresh is called inside `holding`.
    """

    def __init__(
        self,
        units: UnitsOfWork,
        connections: Connections,
        grants: Grants,
        leases: Leases,
        providers: dict[Provider, OAuthProvider],
    ) -> None:
        self.grants = grants
        self._units = units
        self._connections = connections
        self._leases = leases
        self._providers = providers

    async def lease(self, grant: Grant, wait_seconds: float = LEASE_WAIT_SECONDS) -> Lease | None:
        """Take the refresh lease; None once the grant has moved on by other hands.

        Raises ProviderUnavailableError if somebody holds the lease for too long.
        """
        deadline = Deadline(wait_seconds)
        while True:
            lease = await self._leases.acquire(f"refresh/{grant.connection_id}", LEASE_SECONDS)
            if lease is not None:
                return lease
            if await self.moved(grant):
                return None
            if deadline.passed():
                raise ProviderUnavailableError("refresh lease", processed=False)
            await asyncio.sleep(LEASE_POLL_SECONDS)

    async def refresh(self, connection_id: str, version: int) -> None:
        """Refresh if this version is still the stored one; raises what `errors.py` names."""
        grant = await self.grants.get(connection_id)
        if grant is None or not grant.live or grant.version != version:
            return
        lease = await self.lease(grant)
        if lease is None:
            return
        async with self._leases.kept(lease):
            await self.refresh_held(connection_id, version)

    async def refresh_held(self, connection_id: str, version: int, *, forced: bool = False) -> None:
        """Refresh under the lease; returns when the grant has a newer version."""
        grant = await self.grants.get(connection_id)
        if grant is None or not grant.live or grant.version != version:
            return
        if grant.cooldown_seconds:
            raise ProviderUnavailableError(
                self._provider(grant).name, grant.cooldown_seconds, processed=False
            )
        uncertain = await self._outcome_unknown(grant)
        if await self.grants.open_intent(grant, forced=forced):
            await self._send(grant, uncertain)

    async def end(self, grant: Grant, cause: ConnectionCause) -> Connection | None:
        """Mark the grant as ended and publish it; None if the grant has moved meanwhile."""

        async def work(unit: UnitOfWork) -> Connection | None:
            if not await self.grants.end(unit, grant):
                return None
            connection = await self._connections.get(
                grant.workspace_id, grant.connection_id, unit.session
            )
            await audit.record(
                unit, grant.workspace_id, ACTOR, "connection.revoked", connection.id, cause=cause
            )
            return await self._connections.store(
                unit,
                connection,
                ConnectionRevoked,
                status=ConnectionStatus.REVOKED,
                cause=cause,
                grant_version=grant.version,
            )

        ended = await self._units.run(work)
        if ended is not None:
            LOST.labels(ended.provider, cause).inc()
            log.warning("connection revoked", connection_id=ended.id, cause=cause)
        return ended

    async def moved(self, grant: Grant) -> bool:
        """Whether the stored grant is another one by now."""
        now = await self.grants.get(grant.connection_id)
        return now is None or now.version != grant.version or now.live != grant.live

    def _provider(self, grant: Grant) -> OAuthProvider:
        return self._providers[grant.provider]

    async def _outcome_unknown(self, grant: Grant) -> bool:
        """Whether an earlier refresh may have used up the stored refresh token."""
        provider = self._provider(grant)
        if grant.intent is None or not provider.rotates:
            return False
        age = grant.intent_age_seconds
        if age is not None and age < UNDER_WAY_SECONDS:
            raise ProviderUnavailableError(provider.name, UNDER_WAY_SECONDS - age, processed=False)
        try:
            return await provider.probe(self.grants.access_token(grant)) is Probe.REJECTED
        except ProviderUnavailableError as error:
            await self.grants.cool_down(grant, error.retry_after)
            raise

    async def _send(self, grant: Grant, uncertain: bool) -> None:
        provider = self._provider(grant)
        outcome = "stored"
        try:
            tokens = await provider.refresh(self.grants.refresh_token(grant))
            await persist(lambda: self._store(grant, tokens), "store refreshed grant")
        except GrantLostError as error:
            outcome = "lost"
            await self._on_lost(grant, error, uncertain)
        except RefreshConflictError as error:
            outcome = "conflict"
            await self._on_conflict(grant, error)
        except AppRefusedError as error:
            outcome = "app_refused"
            await self._on_app_refused(grant, error)
        except ProviderUnavailableError as error:
            outcome = "unavailable"
            await self._on_unavailable(grant, error)
            raise
        finally:
            REFRESHES.labels(provider.name, outcome).inc()

    async def _on_lost(self, grant: Grant, error: GrantLostError, uncertain: bool) -> None:
        """End the grant, unless its version has moved: then only a race was lost."""
        if await self.moved(grant):
            return
        cause = error.cause
        if uncertain:
            cause = ConnectionCause.ROTATION_LOST
        elif grant.refresh_token_over:
            cause = ConnectionCause.GRANT_EXPIRED
        await self.end(grant, cause)

    async def _on_conflict(self, grant: Grant, error: RefreshConflictError) -> None:
        """Wait for whoever has just refreshed; if nobody stores it, a probe has to decide."""
        deadline = Deadline(CONFLICT_WAIT_SECONDS)
        while not await self.moved(grant):
            if deadline.passed():
                await self.grants.give_up_intent(grant)
                raise ProviderUnavailableError(str(error), CONFLICT_WAIT_SECONDS)
            await asyncio.sleep(LEASE_POLL_SECONDS)

    async def _on_app_refused(self, grant: Grant, error: AppRefusedError) -> None:
        """Alarm us: no operator can help with this, and no connection is to blame."""
        provider = self._provider(grant).name
        log.error("provider refuses our app", provider=provider, reason=str(error))
        await self.grants.close_intent(grant)
        await self.grants.cool_down(grant, APP_REFUSED_COOLDOWN_SECONDS)
        raise ProviderUnavailableError(
            provider, APP_REFUSED_COOLDOWN_SECONDS, processed=False
        ) from error

    async def _on_unavailable(self, grant: Grant, error: ProviderUnavailableError) -> None:
        if error.processed:
            await self.grants.give_up_intent(grant)
        else:
            await self.grants.close_intent(grant)
        await self.grants.cool_down(grant, error.retry_after)

    async def _store(self, grant: Grant, tokens: TokenSet) -> None:
        """Store the new tokens: whoever holds them must, whatever became of the lease."""
        provider = self._provider(grant)

        async def work(unit: UnitOfWork) -> None:
            if not await self.grants.advance(unit, grant, tokens, provider.idle_seconds):
                return
            connection = await self._connections.get(
                grant.workspace_id, grant.connection_id, unit.session
            )
            await self._note_refresh(unit, connection, provider, tokens)

        await self._units.run(work)

    async def _note_refresh(
        self, unit: UnitOfWork, connection: Connection, provider: OAuthProvider, tokens: TokenSet
    ) -> None:
        """Bring the connection up to its grant; it revives if it had been given up too early."""
        version = connection.grant_version + 1
        revived = connection.status is ConnectionStatus.REVOKED
        if revived:
            FALSE_DISCONNECTS.labels(provider.name).inc()
        scopes = tokens.scopes or connection.scopes
        await audit.record(
            unit, connection.workspace_id, ACTOR, "grant.refreshed", connection.id, version=version
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
