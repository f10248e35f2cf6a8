"""Drafts of syncs that are not made yet (scheduler)."""

from collections.abc import Sequence

from tablesync.client.edge import Edge
from tablesync.contracts.public_api.sync_drafts import (
    NewSyncDraft,
    SyncDraft,
    SyncDraftEdit,
    SyncDrafts,
    SyncDraftSummary,
)

PATH = "/v1/sync-drafts"


class Drafts:
    """One's own drafts in a workspace."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def all(self) -> Sequence[SyncDraftSummary]:
        """Return those that are not finished, the one that was changed last first."""
        return (await self._edge.get(PATH, SyncDrafts)).items

    async def get(self, draft_id: str) -> SyncDraft:
        """Return one; of a finished one `sync_id` says what was made of it."""
        return await self._edge.get(f"{PATH}/{draft_id}", SyncDraft)

    async def keep(self, wanted: NewSyncDraft, *, idempotency_key: str | None = None) -> SyncDraft:
        """Keep a new one; raises ConflictError where there are too many."""
        return await self._edge.change(
            "POST", PATH, SyncDraft, wanted, idempotency_key=idempotency_key
        )

    async def change(
        self, draft_id: str, edit: SyncDraftEdit, *, idempotency_key: str | None = None
    ) -> SyncDraft:
        """Change one; raises ConflictError if it has another version by now, or is finished."""
        return await self._edge.change(
            "PUT", f"{PATH}/{draft_id}", SyncDraft, edit, idempotency_key=idempotency_key
        )

    async def discard(self, draft_id: str, *, idempotency_key: str | None = None) -> None:
        """Forget one; raises ConflictError if a sync was made of it."""
        await self._edge.delete(f"{PATH}/{draft_id}", idempotency_key=idempotency_key)
