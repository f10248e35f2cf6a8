"""scheduler, as auth-service asks it: which syncs need a connection, and what they write to."""

import asyncio
from collections.abc import Sequence

import structlog
from tablesync.contracts.internal_api import AffectedSyncs, WrittenBase, WrittenBases
from tablesync.service_kit.errors import DependencyUnavailableError, UnknownToPeerError
from tablesync.service_kit.http.answers import read_items
from tablesync.service_kit.http.peer import PeerClient

log = structlog.get_logger()
DEADLINE_SECONDS = 2.0
# What a page shows of a list that may be thousands long.
SHOWN = 50


class SchedulerClient(PeerClient):
    """Asks scheduler; pages work without its answer."""

    name = "scheduler"

    async def affected_syncs(self, workspace_id: str, connection_id: str) -> AffectedSyncs | None:
        """Return the first syncs that need a connection, and how many there are.

        None if scheduler does not answer at once.
        """
        path = f"/connections/{connection_id}/affected-syncs"
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                response = await self._get(path, workspace_id=workspace_id, limit=SHOWN)
            return read_items(AffectedSyncs, response, self.name)
        except (TimeoutError, UnknownToPeerError, DependencyUnavailableError) as error:
            log.warning("affected syncs unknown", error=type(error).__name__)
            return None

    async def written_bases(
        self, workspace_id: str, connection_id: str
    ) -> Sequence[WrittenBase] | None:
        """Return the bases that syncs write to over a connection.

        None if scheduler does not answer, or is of a version that cannot tell.
        """
        try:
            return await self._written_bases(workspace_id, connection_id)
        except (UnknownToPeerError, DependencyUnavailableError) as error:
            log.warning("written bases unknown", error=type(error).__name__)
            return None

    async def _written_bases(self, workspace_id: str, connection_id: str) -> Sequence[WrittenBase]:
        found: list[WrittenBase] = []
        path = f"/connections/{connection_id}/written-bases"
        after: str | None = ""
        while after is not None:
            response = await self._get(path, workspace_id=workspace_id, after=after)
            page = read_items(WrittenBases, response, self.name)
            found += page.items
            after = page.next_after
        return found
