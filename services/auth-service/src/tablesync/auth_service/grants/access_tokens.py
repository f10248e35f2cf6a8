"""Handing out access tokens: one find while they are fresh, one refresh when they are not."""

from tablesync.auth_service.connections import Connections
from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.grants.grant import Grant
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.refresh import Refresher
from tablesync.contracts.internal_api import (
    CONNECTION_NOT_CONNECTED,
    AccessTokenAnswer,
    ConnectionNotConnected,
)
from tablesync.service_kit.http.problems import Problem, conflict


class AccessTokens:
    """Hands runners what they need to call a provider, and nothing that outlives an hour."""

    def __init__(self, connections: Connections, grants: Grants, refresher: Refresher) -> None:
        self._connections = connections
        self._grants = grants
        self._refresher = refresher

    async def get(self, workspace_id: str, connection_id: str) -> AccessTokenAnswer:
        """Return a token; raises Problem 404, 409 `connection-not-connected`, or 503."""
        grant = await self._usable(workspace_id, connection_id)
        if not grant.fresh:
            grant = await self._refreshed(grant)
        return AccessTokenAnswer(
            token=self._grants.access_token(grant).get_secret_value(),
            expires_at=grant.lent_until,
            expires_in=(grant.lent_until - grant.now).total_seconds(),
            grant_version=grant.version,
            account=grant.account,
            endpoint=grant.endpoint,
        )

    async def _usable(self, workspace_id: str, connection_id: str) -> Grant:
        grant = await self._grants.get(connection_id)
        if grant is None or not grant.live or grant.workspace_id != workspace_id:
            raise await self._not_connected(workspace_id, connection_id)
        return grant

    async def _refreshed(self, grant: Grant) -> Grant:
        """Return the refreshed grant, or the old one if its token lives and no refresh succeeds."""
        try:
            await self._refresher.refresh(grant.connection_id, grant.version)
        except ProviderUnavailableError as error:
            if grant.remaining_seconds <= 0:
                raise unavailable(error) from error
        now = await self._usable(grant.workspace_id, grant.connection_id)
        if now.remaining_seconds <= 0:
            raise unavailable(ProviderUnavailableError("provider", 1.0))
        return now

    async def _not_connected(self, workspace_id: str, connection_id: str) -> Problem:
        connection = await self._connections.get(workspace_id, connection_id)
        return conflict(
            CONNECTION_NOT_CONNECTED,
            "This connection is not connected; an operator has to reconnect it.",
            **ConnectionNotConnected(
                connection_id=connection.id,
                connection_status=connection.status,
                cause=connection.cause,
                grant_version=connection.grant_version,
            ).model_dump(),
        )


def unavailable(error: ProviderUnavailableError) -> Problem:
    """Return the answer for a provider that cannot be asked just now."""
    seconds = max(1, round(error.retry_after))
    return Problem(
        503,
        "provider-unavailable",
        f"{error.dependency} cannot be asked just now; nothing is known to be lost.",
        headers={"Retry-After": str(seconds)},
        retry_after=seconds,
    )
