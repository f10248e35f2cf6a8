"""`/v1`: receipts of outages: what was missed, and what was caught up."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from tablesync.contracts.public_api.receipts import Receipt, ReceiptLine, ReceiptSummary
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.api.views import run_view
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.store import Store
from tablesync.scheduler.store.receipts import LINES, NamedGap
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.service_kit.http import pages
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.problems import invalid, not_found
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least

A_PAGE = pages.requested(default=20, most=100)
LAST_MS = 10**14
Milliseconds = Annotated[int, Path(ge=0, le=LAST_MS, description="Unix time in milliseconds.")]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def routes(store: Store, queries: Queries, verifier: Verifier) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/connections/{connection_id}/receipts", tags=["receipts"])
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))
    receipts = Receipts(store, queries)

    @router.get("", responses=declares(404))
    async def list_receipts(
        connection_id: str, at: PageRequest = A_PAGE, who: Principal = viewer
    ) -> Page[ReceiptSummary]:
        """List a connection's outages, newest first."""
        return await receipts.page(who.workspace_id, connection_id, at)

    @router.get("/{lost_at}", responses=declares(404))
    async def show_receipt(
        connection_id: str, lost_at: Milliseconds, who: Principal = viewer
    ) -> Receipt:
        """Show what an outage missed and what was caught up, also while it lasts."""
        return await receipts.one(who.workspace_id, connection_id, _moment(lost_at))

    return router


class Receipts:
    """Reads outages."""

    def __init__(self, store: Store, queries: Queries) -> None:
        self._store = store
        self._queries = queries

    async def page(
        self, workspace_id: str, connection_id: str, at: PageRequest
    ) -> Page[ReceiptSummary]:
        """Return a page of a connection's outages; raises Problem 404, and 422 for a bad cursor."""
        connection = await self._connection(workspace_id, connection_id)
        before = _read(at.cursor) if at.cursor else None
        found = await self._store.receipts.outages(connection, before, at.limit + 1)
        shown = found[: at.limit]
        more = str(unix_milliseconds(shown[-1].lost_at)) if len(found) > at.limit else None
        return Page(items=shown, next_cursor=more)

    async def one(self, workspace_id: str, connection_id: str, lost_at: datetime) -> Receipt:
        """Return what became of one outage; raises Problem 404."""
        its = (workspace_id, connection_id, lost_at)
        connection = await self._connection(workspace_id, connection_id)
        just_after = lost_at + timedelta(milliseconds=1)
        found = await self._store.receipts.outages(connection, just_after, 1)
        if not found or found[0].lost_at != lost_at:
            raise not_found("receipt")
        brought = await self._store.receipts.caught_up(*its)
        open_ = await self._open(*its)
        closed = await self._lines(await self._store.receipts.gaps_of(*its))
        lines = sorted([*open_, *closed], key=lambda line: line.name or "")[:LINES]
        failed = await self._store.receipts.failures_of(*its) if brought.failed else ()
        return Receipt(
            connection_id=connection_id,
            **dict(found[0]),
            done=brought.done,
            failed=brought.failed,
            counts=brought.counts,
            lines=tuple(lines),
            more=found[0].syncs - LINES if len(lines) == LINES else 0,
            failures=tuple(await self._lines(failed)),
        )

    async def _connection(self, workspace_id: str, connection_id: str) -> Connection:
        known = await self._store.connections.get(connection_id)
        if known is None or known.workspace_id != workspace_id:
            raise not_found("connection")
        return known

    async def _open(self, *its: Any) -> list[ReceiptLine]:
        syncs = await self._store.receipts.still_held(*its)
        await self._queries.bring_up_to_date(syncs)
        return [
            ReceiptLine(sync_id=sync.id, name=sync.name, gap=sync.gap, run=None)
            for sync in syncs
            if sync.gap
        ]

    async def _lines(self, gaps: Sequence[NamedGap]) -> list[ReceiptLine]:
        runs = await self._store.runs.by_id(gap.catch_up_run_id for _, gap in gaps)
        return [_line(name, gap, runs.get(gap.catch_up_run_id or "")) for name, gap in gaps]


def _line(name: str | None, gap: ClosedGap, run: Run | None) -> ReceiptLine:
    return ReceiptLine(
        sync_id=gap.sync_id, name=name, gap=gap.gap, run=run_view(run) if run else None
    )


def _read(cursor: str) -> datetime:
    if not (cursor.isascii() and cursor.isdecimal() and int(cursor) <= LAST_MS):
        remedy = "Send a page's `next_cursor` unchanged, or no cursor for the first page."
        raise invalid("cursor", "is not one that this list gave", remedy)
    return _moment(int(cursor))


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)
