"""`/v1/sync-drafts`: what one person has chosen of syncs that are not made yet."""

from fastapi import APIRouter, Depends, Response
from tablesync.contracts import new_id
from tablesync.contracts.public_api.sync_drafts import (
    MadeOf,
    NewSyncDraft,
    SyncDraft,
    SyncDraftEdit,
    SyncDrafts,
    SyncDraftSummary,
)
from tablesync.scheduler import errors
from tablesync.scheduler.drafts.draft import Draft
from tablesync.scheduler.store.drafts import DraftStore
from tablesync.service_kit.http import bodies, idempotency
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

# More than anybody has in hand at once.
MOST_OPEN = 50
# The longest contents of four-byte characters.
_BODY = bodies.at_most(2 * 1024 * 1024)


def routes(units: UnitsOfWork, store: DraftStore, verifier: Verifier) -> APIRouter:
    """Make the router: who may make syncs has drafts, each person their own."""
    router = APIRouter(prefix="/v1/sync-drafts", tags=["syncs"])
    operator = Depends(at_least(verifier, OperatorRole.OPERATOR))
    once_as_operator = idempotency.dependency(units, at_least(verifier, OperatorRole.OPERATOR))
    drafts = DraftCommands(store)

    @router.get("")
    async def list_drafts(who: Principal = operator) -> SyncDrafts:
        """List one's own that are not finished."""
        found = await store.open_of(who, MOST_OPEN)
        return SyncDrafts(items=tuple(map(_summary, found.items)))

    @router.get("/{draft_id}", responses=declares(404))
    async def show_draft(draft_id: str, who: Principal = operator) -> SyncDraft:
        draft = await store.get_of(who, draft_id)
        if draft is None:
            raise not_found("draft")
        return _view(draft)

    @router.post("", status_code=201, responses=declares(409), openapi_extra=_BODY)
    async def keep_draft(body: NewSyncDraft, once: Once = once_as_operator) -> SyncDraft:
        """Keep a new one, for two weeks after it was last changed."""
        return await once(lambda unit: drafts.keep(unit, once.principal, body))

    @router.put("/{draft_id}", responses=declares(404, 409), openapi_extra=_BODY)
    async def change_draft(
        draft_id: str, body: SyncDraftEdit, once: Once = once_as_operator
    ) -> SyncDraft:
        """Keep it as it is now, unless somebody has changed it meanwhile."""
        return await once(lambda unit: drafts.change(unit, once.principal, draft_id, body))

    @router.delete("/{draft_id}", status_code=204, responses=declares(404, 409))
    async def discard_draft(draft_id: str, once: Once = once_as_operator) -> Response:
        await once(lambda unit: drafts.discard(unit, once.principal, draft_id))
        return Response(status_code=204)

    return router


class DraftCommands:
    """Keeps, changes, finishes and forgets drafts."""

    def __init__(self, store: DraftStore) -> None:
        self._store = store

    async def keep(self, unit: UnitOfWork, who: Principal, wanted: NewSyncDraft) -> SyncDraft:
        """Keep a new one; raises Problem 409 at the limit."""
        if await self._store.count_open_of(who, MOST_OPEN, unit.session) >= MOST_OPEN:
            raise errors.too_many_drafts(MOST_OPEN)
        draft = Draft(
            id=new_id("drf"),
            workspace_id=who.workspace_id,
            operator_id=who.operator_id,
            title=wanted.title,
            contents=wanted.contents,
            created_at=unit.now,
            changed_at=unit.now,
        )
        await self._store.insert(draft, unit.session)
        return _view(draft)

    async def change(
        self, unit: UnitOfWork, who: Principal, draft_id: str, wanted: SyncDraftEdit
    ) -> SyncDraft:
        """Change one; raises Problem 404, or 409 if it has moved on."""
        draft = await self._at(unit, who, draft_id, wanted.version)
        draft.change(wanted.title, wanted.contents, unit.now)
        await self._store.save(draft, unit.session)
        return _view(draft)

    async def finish(self, unit: UnitOfWork, who: Principal, of: MadeOf, sync_id: str) -> None:
        """Note what was made of one; raises Problem 404, or 409 if it has moved on."""
        draft = await self._at(unit, who, of.id, of.version)
        draft.finish(sync_id, unit.now)
        await self._store.save(draft, unit.session)

    async def discard(self, unit: UnitOfWork, who: Principal, draft_id: str) -> None:
        """Forget one; raises Problem 404, or 409 for one of which a sync was made."""
        draft = await self._draft(unit, who, draft_id)
        if draft.sync_id:
            raise errors.draft_moved_on(draft.version, draft.sync_id)
        await self._store.delete(draft.id, unit.session)

    async def _at(self, unit: UnitOfWork, who: Principal, draft_id: str, version: int) -> Draft:
        draft = await self._draft(unit, who, draft_id)
        if not draft.is_at(version):
            raise errors.draft_moved_on(draft.version, draft.sync_id)
        return draft

    async def _draft(self, unit: UnitOfWork, who: Principal, draft_id: str) -> Draft:
        draft = await self._store.get_of(who, draft_id, unit.session)
        if draft is None:
            raise not_found("draft")
        return draft


def _summary(shown: Draft) -> SyncDraftSummary:
    return SyncDraftSummary.model_validate(shown, from_attributes=True)


def _view(shown: Draft) -> SyncDraft:
    return SyncDraft.model_validate(shown, from_attributes=True)
