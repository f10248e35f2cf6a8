"""Storing refreshed tokens: with the connection's new state, and again until it is done."""

import asyncio

import structlog
from prometheus_client import Counter, Gauge
from tablesync.auth_service import audit
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.grants.grant import Grant
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.probe import is_accepted
from tablesync.auth_service.providers.base import (
    OAuthHost,
    OAuthProvider,
    TokenSet,
    missing_scopes,
    told_scopes,
)
from tablesync.auth_service.store import RETRY_AT_MOST_EVERY_SECONDS
from tablesync.contracts import ConnectionReconnected, ConnectionStatus
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.roles import persist

log = structlog.get_logger()

FALSE_DISCONNECTS = Counter(
    "auth_false_disconnects_total", "Grants given up that turned out to be alive.", ["provider"]
)
UNSAVED = Gauge("auth_unsaved_token_sets", "Token sets received and not yet stored.")


class Renewal:
    """Stores new tokens: whoever holds them must, whatever became of the lease."""

    def __init__(self, units: UnitsOfWork, connections: Connections, grants: Grants) -> None:
        self._units = units
        self._connections = connections
        self._grants = grants

    async def persist(self, grant: Grant, provider: OAuthProvider, tokens: TokenSet) -> None:
        """Store the tokens, unless the grant has moved; tried until the database says so."""
        with UNSAVED.track_inprogress():
            await persist(
                lambda: self.store(grant, provider, tokens),
                "store refreshed grant",
                wait_max=RETRY_AT_MOST_EVERY_SECONDS,
            )

    async def store(self, grant: Grant, provider: OAuthProvider, tokens: TokenSet) -> None:
        """Store the tokens in one transaction, unless the grant has moved or died."""
        if await self._advance(grant, provider, tokens):
            return
        now = await self._grants.get(grant.connection_id)
        if now is None or now.version != grant.version:
            log.info("refreshed tokens not needed", connection_id=grant.connection_id)
        elif not await _live(provider.at(grant.host), tokens):
            # Somebody sent the used token again before these were stored: they died with that.
            log.warning("refreshed tokens are dead", connection_id=grant.connection_id)
        elif await self._advance(grant, provider, tokens, revive=True):
            FALSE_DISCONNECTS.labels(provider.name).inc()

    async def _advance(
        self, grant: Grant, provider: OAuthProvider, tokens: TokenSet, *, revive: bool = False
    ) -> bool:
        return await self._units.run(
            lambda unit: self._store(unit, grant, provider, tokens, revive)
        )

    async def _store(
        self,
        unit: UnitOfWork,
        grant: Grant,
        provider: OAuthProvider,
        tokens: TokenSet,
        revive: bool,
    ) -> bool:
        """Bring the connection up to its grant; False if that has moved or ended.

        That it allows other things than before is told, as those who use it have to know. What the
        consent reached is not told again: since then people may have chosen otherwise.
        """
        if not await self._grants.advance(unit, grant, tokens, provider, revive=revive):
            return False
        connection = await self._connections.get(
            grant.workspace_id, grant.connection_id, unit.session
        )
        version = connection.grant_version + 1
        scopes = told_scopes(tokens.scopes or ()) or connection.scopes
        await audit.record(
            unit,
            connection.workspace_id,
            audit.OURSELVES,
            "connection.reconnected" if revive else "grant.refreshed",
            connection.id,
            version=version,
        )
        is_news = revive or set(scopes) != set(connection.scopes)
        await self._connections.store(
            unit,
            connection,
            ConnectionReconnected if is_news else None,
            status=ConnectionStatus.CONNECTED,
            cause=None,
            grant_version=version,
            scopes=scopes,
            missing_scopes=missing_scopes(provider, scopes),
            resources=None if is_news else connection.resources,
        )
        return True


async def _live(provider: OAuthHost, tokens: TokenSet) -> bool:
    try:
        return await is_accepted(provider, tokens.access_token)
    except ProviderUnavailableError as error:
        await asyncio.sleep(error.retry_after)  # longer than between two tries to store
        raise
