"""The ticker role: keeps idle grants alive, settles torn refreshes, moves grants to a new key."""

import asyncio

import structlog
from prometheus_client import Gauge
from tablesync.auth_service.errors import ProviderUnavailableError, UnreadableGrantError
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.refresh import Refresher
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.roles import repeat

log = structlog.get_logger()

TICK_SECONDS = 15.0
RESEAL_SECONDS = 60.0
BATCH = 100
AT_ONCE = 5

UNDER_OTHER_KEYS = Gauge(
    "auth_grants_under_other_keys", "Grants that need another encryption key than the active one."
)


class Ticker:
    """Safe in several replicas: each refresh takes its lease, each change compares versions.

    Its two loops wait for nothing of each other, and one grant's trouble is that grant's alone.
    """

    def __init__(self, grants: Grants, refresher: Refresher) -> None:
        self._grants = grants
        self._refresher = refresher
        self._resealed_to = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(repeat(self.refresh, stop, "refresh what is due"))
            group.create_task(repeat(self.reseal, stop, "reseal"))

    async def refresh(self) -> float:
        """Refresh what is due; return the seconds until the next time."""
        due = await self._grants.claim_due(BATCH)
        places = asyncio.Semaphore(AT_ONCE)
        done = await asyncio.gather(*(self._refresh(*each, places) for each in due.items()))
        return 0.0 if len(due) == BATCH and any(done) else TICK_SECONDS

    async def reseal(self) -> float:
        """Encrypt the next page of grants with the active key; return the seconds until another.

        What cannot be resealed is passed by: the pages go on by id, and begin anew after the last.
        """
        if not self._resealed_to:
            await self._count()
        page = await self._grants.under_other_keys(self._resealed_to, BATCH)
        for each in page:
            await self._reseal(each)
        self._resealed_to = page[-1] if len(page) == BATCH else ""
        return 0.0 if self._resealed_to else RESEAL_SECONDS

    async def _refresh(self, connection_id: str, version: int, places: asyncio.Semaphore) -> bool:
        async with places:
            try:
                await self._refresher.refresh(connection_id, version)
                return True
            except ProviderUnavailableError as error:
                log.warning("not refreshed", connection_id=connection_id, error=repr(error))
            except Exception as error:
                # Only its kind: nobody knows what an unforeseen text may quote.
                log.error("not refreshed", connection_id=connection_id, error=type(error).__name__)
            return False

    async def _reseal(self, connection_id: str) -> None:
        try:
            await self._grants.reseal(connection_id)
        except UnreadableGrantError as error:
            log.error("not resealed", connection_id=connection_id, error=str(error))
        except Exception as error:
            if is_unavailable(error):
                raise
            log.error("not resealed", connection_id=connection_id, error=type(error).__name__)

    async def _count(self) -> None:
        left = await self._grants.count_under_other_keys()
        UNDER_OTHER_KEYS.set(left)
        if left:
            log.warning("grants are under other keys", left=left)
