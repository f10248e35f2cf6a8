"""`/v1`: the books of syncs: their ledgers, what became of each slot, and which come next."""

from datetime import datetime, timedelta

from fastapi import APIRouter, Depends, Query
from tablesync.contracts.public_api.ledger import LedgerView, SlotsView
from tablesync.contracts.public_api.schedules import NextSlots, SchedulePreview
from tablesync.contracts.specs import rfc3339
from tablesync.scheduler.api.lists import AskedMoment
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.api.validation import Validation
from tablesync.scheduler.api.views import ledger_view
from tablesync.scheduler.books import ledger
from tablesync.scheduler.books.slots import History, slot_lines
from tablesync.scheduler.domain.schedules import next_slot
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store import Store
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least

PREVIEWED = 5
_TICK = timedelta(milliseconds=1)
LINES = Query(50, ge=1, le=100, description="How many lines at most.")


def routes(
    store: Store, queries: Queries, validation: Validation, verifier: Verifier, kept_days: int
) -> APIRouter:
    """Make the router; ended runs are kept for so many days."""
    router = APIRouter(prefix="/v1", tags=["books"])
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))
    books = Books(store, kept_days)

    @router.get("/syncs/{sync_id}/ledger", responses=declares(404))
    async def show_ledger(sync_id: str, who: Principal = viewer) -> LedgerView:
        sync = await queries.sync(who.workspace_id, sync_id)
        gaps, now = await store.gaps.all_of(sync_id), await store.now()
        unread_gaps = len(gaps.unread_ids)
        return ledger_view(ledger.statement(sync, gaps.items, now, unread_gaps=unread_gaps))

    @router.get("/syncs/{sync_id}/slots", responses=declares(404))
    async def list_slots(
        sync_id: str,
        before: AskedMoment | None = Query(None, description="A page's `next_cursor`."),
        limit: int = LINES,
        who: Principal = viewer,
    ) -> Page[SlotsView]:
        """List what became of slots, newest first; neighbours that are alike are one line."""
        sync = await queries.sync(who.workspace_id, sync_id)
        return await books.slots(sync, before, limit)

    @router.post("/schedules/preview", responses=declares(404))
    async def preview_schedule(body: SchedulePreview, who: Principal = viewer) -> NextSlots:
        """Tell when a schedule would be due next; changes nothing."""
        validation.schedule(body.schedule)
        anchor = now = await store.now()
        if body.sync_id is not None:
            sync = await queries.sync(who.workspace_id, body.sync_id)
            anchor = sync.anchor if sync.schedule == body.schedule else now
        slots = [next_slot(body.schedule, anchor, now)]
        while len(slots) < PREVIEWED:
            slots.append(next_slot(body.schedule, anchor, slots[-1]))
        return NextSlots(slots=tuple(slots))

    return router


class Books:
    """Reads what books are made of."""

    def __init__(self, store: Store, kept_days: int) -> None:
        self._store = store
        self._kept = timedelta(days=kept_days)

    async def slots(self, sync: Sync, before: datetime | None, limit: int) -> Page[SlotsView]:
        """Return a page of what became of a sync's slots."""
        now = await self._store.now()
        until = before or now.max.replace(tzinfo=now.tzinfo)
        runs = await self._store.runs.with_slots(sync.id, until, limit + 1)
        gaps = await self._store.gaps.all_of(sync.id)
        pauses = await self._store.pauses.all_of(sync.id)
        older = [each.slot for each in runs.items if each.slot and each.slot < until]
        floor = older[-1] if len(older) > limit else None
        history = History(runs.items, gaps.items, pauses.items, now - self._kept, floor)
        lines = slot_lines(sync, history, now, min(until, now + _TICK))
        shown = lines[:limit]
        more = floor is not None or len(lines) > limit
        return Page(
            items=[SlotsView.model_validate(each, from_attributes=True) for each in shown],
            next_cursor=rfc3339(shown[-1].first) if more and shown else None,
        )
