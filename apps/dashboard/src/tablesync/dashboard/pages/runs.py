"""The history: runs with filters, one run with its progress, and what it rejected."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse
from tablesync.client import NotFoundError, Page, TableSync
from tablesync.contracts import RunStatus, Trigger
from tablesync.contracts.public_api.runs import RejectionView, RunProgress, RunView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.shown.runs import ShownRun, shown_runs
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.web.desk import Asked, Desk, Member
from tablesync.dashboard.web.silences import Silent, or_silent, silent_among, told

A_PAGE = 50
REJECTED_SHOWN = 50
# A cell that a spreadsheet would take for a formula is made a text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def query_of(
    *,
    sync: str = "",
    connection: str = "",
    status: str = "",
    trigger: str = "",
    since: Annotated[str, Query(alias="from")] = "",
    until: Annotated[str, Query(alias="to")] = "",
) -> Mapping[str, str]:
    """Return the filters that an address names."""
    narrowed = {"sync": sync, "connection": connection, "status": status, "trigger": trigger}
    return {**narrowed, "from": since, "to": until}


RunQuery = Annotated[Mapping[str, str], Depends(query_of)]


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/runs", include_in_schema=False)

    @router.get("")
    async def show_all(
        asked: Member,
        given: RunQuery,
        cursor: str | None = None,
    ) -> Response:
        begun, ended = asked.clock.read(given["from"]), asked.clock.read(given["to"])
        is_odd = bool(begun and ended and ended <= begun)
        query = {
            **given,
            "from": begun.isoformat() if begun else "",
            "to": ended.isoformat() if ended and not is_odd else "",
        }
        page, connections = await asyncio.gather(
            read_list(asked, query, cursor),
            or_silent(asked.visitor.tablesync.connections.names()),
        )
        return desk.page(
            asked,
            "pages/runs.html",
            shown=shown_runs(page.items, asked.clock),
            connections=connections,
            query=query,
            cursor=cursor or "",
            sync_name=await name_of(asked, query["sync"], page.items),
            typed={"from": asked.clock.typed(begun), "to": asked.clock.typed(ended)},
            is_odd=is_odd,
            next_cursor=page.next_cursor,
        )

    @router.get("/{run_id}")
    async def show(asked: Member, run_id: str) -> Response:
        page = await read_page(asked, run_id)
        return desk.page(
            asked,
            "pages/run.html",
            shown=page.shown,
            rejected=page.rejected,
            silent=page.silent,
            version=page.version,
        )

    @router.get("/{run_id}/rejected.csv")
    async def rejected_csv(asked: Member, run_id: str) -> Response:
        # Once the answer has begun, nobody can be told that there is no such run.
        await asked.visitor.tablesync.runs.get(run_id)
        rejections = asked.visitor.tablesync.runs.rejections(run_id)
        headers = {"Content-Disposition": f'attachment; filename="rejected-{run_id}.csv"'}
        return StreamingResponse(_csv(rejections), media_type="text/csv", headers=headers)

    @router.post("/{run_id}/cancel")
    async def cancel(request: Request, asked: Member, run_id: str) -> Response:
        form = await desk.form(request)
        await asked.visitor.tablesync.runs.cancel(run_id, idempotency_key=form.get("once"))
        said = "The run is being cancelled. What it has written stays."
        return desk.back(request, asked.path(f"/runs/{run_id}"), said)

    return router


async def read_list(
    asked: Asked, query: Mapping[str, str], cursor: str | None, limit: int = A_PAGE
) -> Page[RunView]:
    """Read a page of runs; a filter that nobody knows filters nothing."""
    status, trigger = query["status"], query["trigger"]
    return await asked.visitor.tablesync.runs.page(
        sync_id=query["sync"] or None,
        connection_id=query["connection"] or None,
        status=RunStatus(status) if status in set(RunStatus) else None,
        trigger=Trigger(trigger) if trigger in set(Trigger) else None,
        since=asked.clock.read(query["from"]),
        until=asked.clock.read(query["to"]),
        limit=limit,
        cursor=cursor,
    )


async def name_of(asked: Asked, sync_id: str, shown: Sequence[RunView]) -> str:
    """Return what the sync is called that a list is narrowed to; nothing for a list of all."""
    if not sync_id:
        return ""
    if named := next((each.sync_name for each in shown if each.sync_name), None):
        return named
    sync = await or_silent(_sync(asked.visitor.tablesync, sync_id))
    if isinstance(sync, Silent):
        return "one sync"
    return sync.name if sync else "a deleted sync"


@dataclass(frozen=True)
class RunPage:
    """All that a run's page shows; `silent` are those who did not tell of it."""

    shown: ShownRun
    rejected: Sequence[RejectionView]
    silent: Sequence[str]

    @property
    def version(self) -> str:
        """What tells whether it has changed since it was last shown."""
        shown = self.shown
        told = (shown.run, shown.sync, shown.progress, shown.took)
        return version_of(*told, self.rejected, self.silent)


def text(desk: Desk, asked: Asked, page: RunPage) -> str:
    """Render a run."""
    context = desk.context(asked)
    return desk.rendering.part(
        "parts/run.html", "run", page.shown, page.rejected, page.silent, page.version, context
    )


async def read_page(asked: Asked, run_id: str) -> RunPage:
    """Read a run, how far it is, and what it has rejected so far."""
    tablesync = asked.visitor.tablesync
    run, rejected, progress = await asyncio.gather(
        tablesync.runs.get(run_id),
        or_silent(_rejected(tablesync, run_id)),
        or_silent(_progress(tablesync, run_id)),
    )
    sync = await or_silent(_sync(tablesync, run.sync_id))
    shown = ShownRun(run, told(sync, None), asked.clock, told(progress, None))
    return RunPage(shown, told(rejected, ()), silent_among(rejected, progress, sync))


async def _progress(tablesync: TableSync, run_id: str) -> RunProgress | None:
    """Return how far a run is; None for one that its runner does not know."""
    try:
        return await tablesync.runs.progress(run_id)
    except NotFoundError:
        return None


async def _sync(tablesync: TableSync, sync_id: str) -> SyncView | None:
    try:
        return await tablesync.syncs.get(sync_id)
    except NotFoundError:
        return None


async def _rejected(tablesync: TableSync, run_id: str) -> Sequence[RejectionView]:
    try:
        page = await tablesync.runs.rejections_page(run_id, limit=REJECTED_SHOWN)
    except NotFoundError:
        return ()
    return page.items


async def _csv(rejections: AsyncIterator[RejectionView]) -> AsyncIterator[str]:
    yield _line(["Record", "Field", "Value", "Reason", "Remedy", "At (UTC)"])
    async for each in rejections:
        yield _line(
            [
                each.source_id,
                each.field or "",
                each.value or "",
                each.reason,
                each.remedy or "",
                each.at.isoformat(),
            ]
        )


def _line(cells: list[str]) -> str:
    written = io.StringIO()
    plain = [f"'{each}" if each.startswith(_FORMULA) else each for each in cells]
    csv.writer(written).writerow(plain)
    return written.getvalue()
