"""The scheduler, as the notifier needs it: the syncs behind an incident."""

from collections.abc import Sequence

import httpx
from tablesync.contracts.internal_api import AffectedSync, AffectedSyncs, SyncOwner
from tablesync.notifier.clients.answers import ask, read, read_items

NAME = "scheduler"
PATH = "/internal/v1"


class SchedulerClient:
    """Asks the scheduler; raises DependencyUnavailableError while it is away."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def affected_syncs(self, connection_id: str, workspace_id: str) -> Sequence[AffectedSync]:
        """Return the syncs that use a connection, with holds, next slots and catch-ups."""
        path = f"{PATH}/connections/{connection_id}/affected-syncs"
        query = {"workspace_id": workspace_id}
        answer = await ask(self._http, NAME, "GET", path, params=query)
        return read_items(AffectedSyncs, answer, NAME).items

    async def sync_owner(self, sync_id: str, workspace_id: str) -> SyncOwner:
        """Return a sync's name and owner; raises UnknownToPeerError when it was deleted."""
        path = f"{PATH}/syncs/{sync_id}"
        query = {"workspace_id": workspace_id}
        answer = await ask(self._http, NAME, "GET", path, params=query)
        return read(SyncOwner, answer, NAME)
