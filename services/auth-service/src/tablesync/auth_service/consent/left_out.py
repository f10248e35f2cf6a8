"""Bases chosen and left out: what a consent reaches, and what syncs write to beyond it."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog
from pydantic import SecretStr
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.providers.base import OAuthHost
from tablesync.contracts import Account
from tablesync.contracts.internal_api import WrittenBase

log = structlog.get_logger()

# What is written over a connection of a workspace; None if that is not known now.
WrittenBasesOf = Callable[[str, str], Awaitable[Sequence[WrittenBase] | None]]
# What events carry of one connection; of more than that nothing is told.
MOST_BASES = 1_000
_IS_BASE = re.compile(r"app[0-9A-Za-z]{14}")


@dataclass(frozen=True)
class Reach:
    """What a consent reaches, by id, and what it does not reach although syncs write to it.

    Either is None where nobody knows.
    """

    bases: tuple[str, ...] | None = None
    left_out: Sequence[WrittenBase] | None = None


class LeftOut:
    """Finds out what a consent reaches, and compares it with what syncs write to."""

    def __init__(
        self, connections: Connections, written_bases: WrittenBasesOf, seconds: float
    ) -> None:
        self._connections = connections
        self._written_bases = written_bases
        self._seconds = seconds

    async def find(
        self, provider: OAuthHost, access_token: SecretStr, workspace_id: str, account: Account
    ) -> Reach:
        """Return what a new token of an account reaches.

        Nothing is known where a provider has no such choice, and where it cannot be found out at
        once: no trouble here may cost the tokens.
        """
        granted = None
        try:
            async with asyncio.timeout(self._seconds):
                granted = await provider.granted_bases(access_token)
                if granted is None:
                    return Reach()
                known = await self._connections.find_by_account(
                    workspace_id, provider.name, account.id
                )
                left_out = await self._left_out(known, granted) if known else None
                return Reach(_told(granted), left_out)
        except Exception as error:
            log.warning("granted bases unknown", error=type(error).__name__)
            return Reach(_told(granted))

    async def _left_out(
        self, known: Connection, granted: frozenset[str]
    ) -> Sequence[WrittenBase] | None:
        written = await self._written_bases(known.workspace_id, known.id)
        if written is None:
            return None
        return [each for each in written if each.base_id not in granted]


def _told(granted: frozenset[str] | None) -> tuple[str, ...] | None:
    """Return what events may carry: ids that are some, and not too many."""
    if granted is None or len(granted) > MOST_BASES:
        return None
    return tuple(sorted(filter(_IS_BASE.fullmatch, granted)))
