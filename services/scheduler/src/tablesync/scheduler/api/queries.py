"""Reading syncs as they are right now: with holds and slots that nobody has stored yet."""

from collections.abc import Sequence

from tablesync.contracts.internal_api import AffectedSync
from tablesync.scheduler.api.views import SyncView, affected_sync
from tablesync.scheduler.domain import holds
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.claims import count_passed_slots
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store import Store
from tablesync.service_kit.http.problems import not_found


class Queries:
    """Answers questions about syncs; changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def sync(self, workspace_id: str, sync_id: str) -> Sync:
        """Return one sync as of now; raises Problem 404."""
        sync = await self._store.syncs.get_of(workspace_id, sync_id)
        if sync is None:
            raise not_found("sync")
        await self._as_of_now([sync])
        return sync

    async def views(self, syncs: Sequence[Sync]) -> list[SyncView]:
        """Show syncs with their holds, gaps and last runs as of now."""
        await self._as_of_now(syncs)
        runs = await self._store.runs.by_id(sync.last_run_id for sync in syncs)
        return [SyncView.of(sync, runs.get(sync.last_run_id or "")) for sync in syncs]

    async def affected(self, workspace_id: str, connection_id: str) -> tuple[AffectedSync, ...]:
        """Show the syncs that need a connection."""
        syncs = [
            each
            for each in (await self._store.syncs.dependents(connection_id)).items
            if each.workspace_id == workspace_id
        ]
        await self._as_of_now(syncs)
        runs = await self._store.runs.by_id(sync.last_catch_up_id for sync in syncs)
        return tuple(affected_sync(each, runs.get(each.last_catch_up_id or "")) for each in syncs)

    async def _as_of_now(self, syncs: Sequence[Sync]) -> None:
        now = await self._store.now()
        held = await self._store.connections.held_for(syncs)
        for sync in syncs:
            holds.follow_connections(sync, held.known, now, Changes())
            count_passed_slots(sync, now)
