"""The ticker role: keeps idle grants alive, settles torn refreshes, moves grants to a new key."""

import asyncio

import structlog
from tablesync.auth_service.errors import ProviderUnavailableError, UnreadableGrantError
from tablesync.auth_service.grants.access_tokens import AccessTokens
from tablesync.auth_service.grants.grants import Grants
from tablesync.service_kit.roles import repeat

log = structlog.get_logger()

TICK_SECONDS = 15.0
BATCH = 100
AT_ONCE = 5


class Ticker:
    """Safe in several replicas: each refresh takes its lease, each change compares versions."""

    def __init__(self, grants: Grants, tokens: AccessTokens) -> None:
        self._grants = grants
        self._tokens = tokens

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop`."""
        await repeat(self.tick, stop, "auth ticker")

    async def tick(self) -> float:
        """Do what is due; return the seconds until the next tick."""
        overdue = await self._grants.overdue(BATCH)
        places = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._refresh(each, places) for each in overdue))
        resealed = await self._reseal()
        return 0.0 if len(overdue) == BATCH or resealed == BATCH else TICK_SECONDS

    async def _refresh(self, connection_id: str, places: asyncio.Semaphore) -> None:
        async with places:
            try:
                await self._tokens.refresh_now(connection_id)
            except (ProviderUnavailableError, UnreadableGrantError) as error:
                log.warning("not refreshed", connection_id=connection_id, error=repr(error))

    async def _reseal(self) -> int:
        """Encrypt with the active key what still is under another."""
        done = 0
        for connection_id in await self._grants.under_other_keys(BATCH):
            try:
                done += await self._grants.reseal(connection_id)
            except UnreadableGrantError as error:
                log.error("grant unreadable", connection_id=connection_id, error=str(error))
        return done
