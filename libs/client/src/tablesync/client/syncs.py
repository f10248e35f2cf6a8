"""Syncs (scheduler), and what connections have to offer for them (sync-runner)."""

from collections.abc import AsyncIterator, Sequence

from tablesync.client.edge import Edge
from tablesync.client.pages import Page, read_all, read_page
from tablesync.contracts.internal_api import (
    AirtableBases,
    AirtableTable,
    AirtableTables,
    SourceObjects,
    SourceProperties,
)
from tablesync.contracts.public_api.bulk_changes import BulkChangeView, NewBulkChange
from tablesync.contracts.public_api.catalog import NewTable
from tablesync.contracts.public_api.connection_uses import ConnectionUse, ConnectionUses
from tablesync.contracts.public_api.ledger import LedgerView, SlotsView
from tablesync.contracts.public_api.receipts import Receipt, ReceiptSummary
from tablesync.contracts.public_api.runs import RequestedRun
from tablesync.contracts.public_api.schedules import NextSlots, SchedulePreview
from tablesync.contracts.public_api.syncs import NewSync, SyncCopy, SyncCounts, SyncEdit, SyncView


class Syncs:
    """The syncs of a workspace."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def page(
        self, *, limit: int | None = None, cursor: str | None = None, **wanted: str | None
    ) -> Page[SyncView]:
        """Return a page of those that fit, failing first; `wanted` has SyncFilter's members."""
        query = {**wanted, "limit": limit, "cursor": cursor}
        return await read_page(self._edge, "/v1/syncs", SyncView, query)

    async def counts(self, **wanted: str | None) -> SyncCounts:
        """Count those that fit by their states; `wanted` has SyncFilter's members."""
        return await self._edge.get("/v1/syncs/counts", SyncCounts, wanted)

    async def uses(self, connection_ids: Sequence[str] | None = None) -> tuple[ConnectionUse, ...]:
        """Return how each connection is used that any sync needs; of these alone, at most 100."""
        query = {"connection_id": connection_ids}
        return (await self._edge.get("/v1/connections/uses", ConnectionUses, query)).items

    def all(self) -> AsyncIterator[SyncView]:
        """Yield them all."""
        return read_all(self._edge, "/v1/syncs", SyncView)

    async def get(self, sync_id: str) -> SyncView:
        """Return one."""
        return await self._edge.get(f"/v1/syncs/{sync_id}", SyncView)

    async def ledger(self, sync_id: str) -> LedgerView:
        """Return what became of all its slots."""
        return await self._edge.get(f"/v1/syncs/{sync_id}/ledger", LedgerView)

    async def slots(
        self, sync_id: str, *, before: str | None = None, limit: int | None = None
    ) -> Page[SlotsView]:
        """Return what became of its slots, newest first; `before` is a page's `next_cursor`."""
        query = {"before": before, "limit": limit}
        return await read_page(self._edge, f"/v1/syncs/{sync_id}/slots", SlotsView, query)

    async def preview(self, wanted: SchedulePreview) -> NextSlots:
        """Return when a schedule would be due next."""
        return await self._edge.ask("/v1/schedules/preview", NextSlots, wanted)

    async def create(self, wanted: NewSync, *, idempotency_key: str | None = None) -> SyncView:
        """Create one; its first run is one interval from now."""
        return await self._edge.change(
            "POST", "/v1/syncs", SyncView, wanted, idempotency_key=idempotency_key
        )

    async def edit(
        self, sync_id: str, edit: SyncEdit, *, idempotency_key: str | None = None
    ) -> SyncView:
        """Change one; what is left out stays.

        With a version, raises ConflictError if it has another one by now.
        """
        return await self._edge.change(
            "PATCH", f"/v1/syncs/{sync_id}", SyncView, edit, idempotency_key=idempotency_key
        )

    async def duplicate(
        self, sync_id: str, copy: SyncCopy, *, idempotency_key: str | None = None
    ) -> SyncView:
        """Create one that is like another; it begins paused."""
        path = f"/v1/syncs/{sync_id}/duplicate"
        return await self._edge.change(
            "POST", path, SyncView, copy, idempotency_key=idempotency_key
        )

    async def delete(self, sync_id: str, *, idempotency_key: str | None = None) -> None:
        """Delete one; its history and its rows in Airtable stay."""
        await self._edge.delete(f"/v1/syncs/{sync_id}", idempotency_key=idempotency_key)

    async def pause(self, sync_id: str, *, idempotency_key: str | None = None) -> SyncView:
        """Stop one until it is resumed."""
        return await self._edge.change(
            "POST", f"/v1/syncs/{sync_id}/pause", SyncView, idempotency_key=idempotency_key
        )

    async def resume(self, sync_id: str, *, idempotency_key: str | None = None) -> SyncView:
        """Let one go on with its next slot."""
        return await self._edge.change(
            "POST", f"/v1/syncs/{sync_id}/resume", SyncView, idempotency_key=idempotency_key
        )

    async def run(self, sync_id: str, *, idempotency_key: str | None = None) -> RequestedRun:
        """Ask for a run now; raises ConflictError while the sync is held."""
        return await self._edge.change(
            "POST", f"/v1/syncs/{sync_id}/run", RequestedRun, idempotency_key=idempotency_key
        )

    async def check(self, sync_id: str, *, idempotency_key: str | None = None) -> RequestedRun:
        """Have every record and every row compared, and not only what changed."""
        return await self._edge.change(
            "POST", f"/v1/syncs/{sync_id}/check", RequestedRun, idempotency_key=idempotency_key
        )

    async def bulk(
        self, wanted: NewBulkChange, *, idempotency_key: str | None = None
    ) -> BulkChangeView:
        """Begin to do one thing to many."""
        return await self._begin("/v1/syncs/bulk", wanted, idempotency_key)

    async def bulk_change(self, bulk_change_id: str) -> BulkChangeView:
        """Return what has become of a change to many."""
        return await self._edge.get(f"/v1/bulk-changes/{bulk_change_id}", BulkChangeView)

    async def pause_connection(
        self, connection_id: str, *, idempotency_key: str | None = None
    ) -> BulkChangeView:
        """Begin to pause all of a connection."""
        return await self._begin(f"/v1/connections/{connection_id}/pause", None, idempotency_key)

    async def resume_connection(
        self, connection_id: str, *, idempotency_key: str | None = None
    ) -> BulkChangeView:
        """Begin to resume those that were paused with a connection."""
        return await self._begin(f"/v1/connections/{connection_id}/resume", None, idempotency_key)

    async def run_connection(
        self, connection_id: str, *, idempotency_key: str | None = None
    ) -> BulkChangeView:
        """Begin to ask for a run of all of a connection."""
        return await self._begin(f"/v1/connections/{connection_id}/run", None, idempotency_key)

    async def _begin(
        self, path: str, wanted: NewBulkChange | None, key: str | None
    ) -> BulkChangeView:
        return await self._edge.change("POST", path, BulkChangeView, wanted, idempotency_key=key)


class Receipts:
    """What became of outages of connections."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def page(
        self, connection_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[ReceiptSummary]:
        """Return a page of a connection's outages, newest first."""
        path = f"/v1/connections/{connection_id}/receipts"
        return await read_page(self._edge, path, ReceiptSummary, {"limit": limit, "cursor": cursor})

    async def get(self, connection_id: str, lost_at: int) -> Receipt:
        """Return one, by when the connection was lost, in milliseconds of Unix time."""
        return await self._edge.get(f"/v1/connections/{connection_id}/receipts/{lost_at}", Receipt)


class Catalog:
    """What connections have to offer: objects and properties, bases, tables and fields."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def objects(self, connection_id: str) -> SourceObjects:
        """Return the objects of a source."""
        return await self._edge.get(f"/v1/catalog/{connection_id}/objects", SourceObjects)

    async def properties(self, connection_id: str, object_: str) -> SourceProperties:
        """Return the properties of an object, `id` first."""
        return await self._edge.get(
            f"/v1/catalog/{connection_id}/objects/{object_}/properties", SourceProperties
        )

    async def bases(self, connection_id: str) -> AirtableBases:
        """Return the bases that were granted."""
        return await self._edge.get(f"/v1/catalog/{connection_id}/bases", AirtableBases)

    async def tables(self, connection_id: str, base_id: str) -> AirtableTables:
        """Return the tables of a base, with their fields."""
        return await self._edge.get(
            f"/v1/catalog/{connection_id}/bases/{base_id}/tables", AirtableTables
        )

    async def create_table(
        self,
        connection_id: str,
        base_id: str,
        wanted: NewTable,
        *,
        idempotency_key: str | None = None,
    ) -> AirtableTable:
        """Make a table; raises ConflictError with what else to ask for where it was not granted."""
        return await self._edge.change(
            "POST",
            f"/v1/catalog/{connection_id}/bases/{base_id}/tables",
            AirtableTable,
            wanted,
            idempotency_key=idempotency_key,
        )
