"""The scheduler, as the notifier asks it: the syncs behind an incident."""

from collections.abc import Sequence

from tablesync.contracts.internal_api import AffectedSync, AffectedSyncs, SyncOwner
from tablesync.service_kit.http.answers import read, read_whole
from tablesync.service_kit.http.peer import PeerClient


class SchedulerClient(PeerClient):
    """Asks the scheduler; raises UnknownToPeerError for what it does not know."""

    name = "scheduler"

    async def affected_syncs(self, connection_id: str, workspace_id: str) -> Sequence[AffectedSync]:
        """Return the syncs that use a connection, with holds, next slots and catch-ups."""
        path = f"/connections/{connection_id}/affected-syncs"
        response = await self._get(path, workspace_id=workspace_id)
        return read_whole(AffectedSyncs, response, self.name).items

    async def sync_owner(self, sync_id: str, workspace_id: str) -> SyncOwner:
        """Return a sync's name and owner; raises UnknownToPeerError when it was deleted."""
        response = await self._get(f"/syncs/{sync_id}", workspace_id=workspace_id)
        return read(SyncOwner, response, self.name)
