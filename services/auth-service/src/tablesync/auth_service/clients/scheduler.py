"""scheduler, as auth-service asks it: which syncs wait for a connection."""

import asyncio
from collections.abc import Sequence

import httpx
import structlog
from tablesync.contracts.internal_api import AffectedSync, AffectedSyncs
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.answers import read_items

log = structlog.get_logger()
NAME = "scheduler"
DEADLINE_SECONDS = 2.0


class SchedulerClient:
    """Asks scheduler; pages work without its answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def affected_syncs(
        self, workspace_id: str, connection_id: str
    ) -> Sequence[AffectedSync] | None:
        """Return the syncs that need a connection; None if scheduler does not answer at once."""
        path = f"/internal/v1/connections/{connection_id}/affected-syncs"
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                response = await self._http.get(path, params={"workspace_id": workspace_id})
            return read_items(AffectedSyncs, response, NAME).items
        except (TimeoutError, httpx.HTTPError, DependencyUnavailableError) as error:
            log.warning("affected syncs unknown", error=type(error).__name__)
            return None
