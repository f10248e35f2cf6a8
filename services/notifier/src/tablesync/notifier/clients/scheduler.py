"""The scheduler, as the notifier asks it: the syncs behind an incident."""

from collections.abc import Sequence

from tablesync.contracts.internal_api import (
    AFFECTED_LIMIT,
    AffectedSync,
    AffectedSyncs,
    CatchUpCounts,
    SyncOwner,
)
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.answers import read, read_whole
from tablesync.service_kit.http.peer import PeerClient


class SchedulerClient(PeerClient):
    """Asks the scheduler; raises UnknownToPeerError for what it does not know."""

    name = "scheduler"

    async def affected_syncs(self, connection_id: str, workspace_id: str) -> Sequence[AffectedSync]:
        """Return the syncs that use a connection, with holds and catch-ups.

        They are read page by page. Raises DependencyUnavailableError where one of them cannot be.
        """
        path = f"/connections/{connection_id}/affected-syncs"
        found: list[AffectedSync] = []
        after: str | None = ""
        while after is not None:
            response = await self._get(
                path, workspace_id=workspace_id, after=after, limit=AFFECTED_LIMIT
            )
            page = read_whole(AffectedSyncs, response, self.name)
            if page.unread_ids:
                raise DependencyUnavailableError(self.name)
            found += page.items
            after = page.next_after
        return found

    async def catch_up_counts(self, connection_id: str, workspace_id: str) -> CatchUpCounts:
        """Return how far the catch-ups of all syncs that use a connection are.

        Raises UnknownToPeerError for a scheduler of the version before, which does not count.
        """
        path = f"/connections/{connection_id}/catch-ups"
        return read(CatchUpCounts, await self._get(path, workspace_id=workspace_id), self.name)

    async def sync_owner(self, sync_id: str, workspace_id: str) -> SyncOwner:
        """Return a sync's name and owner; raises UnknownToPeerError when it was deleted."""
        response = await self._get(f"/syncs/{sync_id}", workspace_id=workspace_id)
        return read(SyncOwner, response, self.name)
