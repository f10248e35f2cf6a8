"""Reading syncs as they are right now: with holds and slots that nobody has stored yet."""

from collections.abc import AsyncIterator, Sequence

from tablesync.contracts.internal_api import (
    AFFECTED_LIMIT,
    AffectedSyncs,
    CatchUpCounts,
    WrittenBases,
)
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.scheduler.api.views import affected_sync, sync_view
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
        await self.bring_up_to_date([sync])
        return sync

    async def views(self, syncs: Sequence[Sync]) -> list[SyncView]:
        """Show syncs with their holds, gaps and last runs as of now."""
        await self.bring_up_to_date(syncs)
        runs = await self._store.runs.by_id(sync.last_run_id for sync in syncs)
        return [sync_view(sync, runs.get(sync.last_run_id or "")) for sync in syncs]

    async def affected(
        self, workspace_id: str, connection_id: str, after: str, limit: int | None
    ) -> AffectedSyncs:
        """Show the syncs that need a connection: a page of them, or all."""
        if limit is not None:
            total = await self._store.syncs.count_dependents(workspace_id, connection_id)
            page = await self._affected_page(workspace_id, connection_id, after, limit)
            return page.model_copy(update={"total": total})
        pages = [page async for page in self._affected_pages(workspace_id, connection_id)]
        return AffectedSyncs(
            items=tuple(each for page in pages for each in page.items),
            unread_ids=tuple(each for page in pages for each in page.unread_ids),
        )

    async def catch_up_counts(self, workspace_id: str, connection_id: str) -> CatchUpCounts:
        """Count the syncs that need a connection, by how their catch-ups stand."""
        return await self._store.syncs.catch_up_counts(workspace_id, connection_id)

    async def written_bases(
        self, workspace_id: str, connection_id: str, after: str, limit: int
    ) -> WrittenBases:
        """Show a page of the bases that syncs write to over a connection."""
        syncs = self._store.syncs
        bases = await syncs.written_bases(workspace_id, connection_id, after, limit)
        more = bases[-1].base_id if len(bases) == limit else None
        return WrittenBases(items=tuple(bases), next_after=more)

    async def _affected_pages(
        self, workspace_id: str, connection_id: str
    ) -> AsyncIterator[AffectedSyncs]:
        """Yield page after page, so that no list of thousands stops what else is to be done."""
        after: str | None = ""
        while after is not None:
            page = await self._affected_page(workspace_id, connection_id, after, AFFECTED_LIMIT)
            after = page.next_after
            yield page

    async def _affected_page(
        self, workspace_id: str, connection_id: str, after: str, limit: int
    ) -> AffectedSyncs:
        found = await self._store.syncs.outlines(workspace_id, connection_id, after, limit)
        syncs = found.items
        await self.bring_up_to_date(syncs)
        runs = await self._store.runs.by_id(sync.last_catch_up_id for sync in syncs)
        shown = (affected_sync(each, runs.get(each.last_catch_up_id or "")) for each in syncs)
        last = max((*(sync.id for sync in syncs), *found.unread_ids), default=None)
        return AffectedSyncs(
            items=tuple(shown),
            next_after=last if len(found) == limit else None,
            unread_ids=tuple(found.unread_ids),
        )

    async def bring_up_to_date(self, syncs: Sequence[Sync]) -> None:
        """Have syncs held and their slots counted as of now, to be shown."""
        now = await self._store.now()
        deciding = await self._store.connections.deciding_for(syncs)
        for sync in syncs:
            holds.follow_connections(sync, deciding.known, now, Changes())
            count_passed_slots(sync, now)
