"""Bases left out: what syncs write to and a consent does not reach, where that can be told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from pydantic import SecretStr
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.contracts import Account
from tablesync.contracts.internal_api import WrittenBase

log = structlog.get_logger()

# What is written over a connection of a workspace; None if that is not known now.
WrittenBasesOf = Callable[[str, str], Awaitable[Sequence[WrittenBase] | None]]


class LeftOut:
    """Compares what a consent reaches with what syncs write to."""

    def __init__(
        self, connections: Connections, written_bases: WrittenBasesOf, seconds: float
    ) -> None:
        self._connections = connections
        self._written_bases = written_bases
        self._seconds = seconds

    async def find(
        self, provider: OAuthProvider, access_token: SecretStr, workspace_id: str, account: Account
    ) -> Sequence[WrittenBase] | None:
        """Return the bases that syncs write to and a new token of an account does not reach.

        None for a new connection, where a provider has no such choice, and where it cannot be
        found out at once: no trouble here may cost the tokens.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._find(provider, access_token, workspace_id, account)
        except Exception as error:
            log.warning("granted bases unknown", error=type(error).__name__)
            return None

    async def _find(
        self, provider: OAuthProvider, access_token: SecretStr, workspace_id: str, account: Account
    ) -> Sequence[WrittenBase] | None:
        known = await self._connections.find_by_account(workspace_id, provider.name, account.id)
        granted = await provider.granted_bases(access_token) if known else None
        if known is None or granted is None:
            return None
        written = await self._written_bases(workspace_id, known.id)
        if written is None:
            return None
        return [each for each in written if each.base_id not in granted]
