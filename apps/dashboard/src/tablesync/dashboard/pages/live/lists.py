"""The streams of lists: rows change in their places, and what has come or moved is a hint."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from fastapi import APIRouter
from fastapi.responses import Response
from tablesync.client import Page
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.live.parts import Part, keeping, left
from tablesync.dashboard.live.streams import Streams
from tablesync.dashboard.pages import incidents, runs, syncs
from tablesync.dashboard.shown.runs import shown_runs
from tablesync.dashboard.shown.syncs import shown_syncs
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.shown.words import counted
from tablesync.dashboard.web.desk import Asked, Desk, Member, PageContext
from tablesync.dashboard.web.silences import or_gone

# How far new runs may have pushed those that a tab shows, until it is loaded again.
MOST_RUNS = 200


def routes(desk: Desk, streams: Streams) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/live/lists", include_in_schema=False)

    @router.get("/syncs")
    async def list_of_syncs(
        asked: Member,
        query: syncs.SyncQuery,
        shown: str = "",
        order: str = "",
        cursor: str = "",
    ) -> Response:
        async def read(asked: Asked, ids: Iterable[str]) -> Sequence[Part]:
            found = await syncs.read_list(asked, query, cursor or None)
            rows = [*found.syncs, *await _moved(asked, found.syncs, ids)]
            return sync_parts(desk, asked, query, found, rows, order)

        return await streams.answer(asked, keeping(shown, read))

    @router.get("/runs")
    async def list_of_runs(
        asked: Member,
        query: runs.RunQuery,
        shown: str = "",
        cursor: str = "",
    ) -> Response:
        async def read(asked: Asked, ids: Iterable[str]) -> Sequence[Part]:
            tab = [each.removeprefix("run-") for each in ids if each.startswith("run-")]
            page = await runs.read_list(asked, query, cursor or None)
            if set(tab) - {each.id for each in page.items}:
                page = await runs.read_list(asked, query, cursor or None, MOST_RUNS)
            return [*run_parts(desk, asked, page, tab), *await _left_behind(desk, asked, page, tab)]

        return await streams.answer(asked, keeping(shown, read))

    @router.get("/incidents")
    async def list_of_incidents(
        asked: Member, status: str = "", shown: str = "", order: str = "", cursor: str = ""
    ) -> Response:
        async def read(asked: Asked, ids: Iterable[str]) -> Sequence[Part]:
            found = await incidents.read_list(asked, status, cursor or None)
            moved = await incidents.read_moved(asked, found, ids)
            return incidents.list_parts(desk, asked, found, moved, order)

        return await streams.answer(asked, keeping(shown, read), follows=True)

    return router


async def _moved(asked: Asked, found: Sequence[SyncView], ids: Iterable[str]) -> list[SyncView]:
    """Read the syncs that a tab shows and that are elsewhere by now, or fit no more."""
    tab = {each.removeprefix("sync-") for each in ids if each.startswith("sync-")}
    elsewhere = sorted(tab - {each.id for each in found})
    syncs = asked.visitor.tablesync.syncs
    read = await asyncio.gather(*(or_gone(syncs.get(each)) for each in elsewhere))
    return [each for each in read if each]


def sync_parts(
    desk: Desk,
    asked: Asked,
    query: Mapping[str, str],
    found: syncs.SyncList,
    rows: list[SyncView],
    order: str,
) -> list[Part]:
    """Return all of the list of syncs that changes by itself; `order` is that of its page."""
    context, other = desk.context(asked), found.order != order
    of = partial(partial, desk.rendering.part, "parts/syncs.html")
    return [
        *(
            Part(
                f"sync-{each.sync.id}",
                context.version(each.version),
                of("row", each, query, context),
            )
            for each in shown_syncs(rows, asked.clock, found.accounts)
        ),
        _part(context, "counts", found.counts, of("chips", found.counts, query, context)),
        _part(context, "matching", found.matching, of("matching", found.matching, context)),
        _order(desk, "Syncs have come or moved. Sort again" if other else ""),
    ]


def run_parts(desk: Desk, asked: Asked, page: Page[RunView], tab: Sequence[str]) -> list[Part]:
    """Return all of the history that changes by itself; `tab` are the runs that are shown."""
    context = desk.context(asked)
    of = partial(partial, desk.rendering.part, "parts/runs.html")
    ids = [each.id for each in page.items]
    first = next((place for place, each in enumerate(ids) if each in set(tab)), len(ids))
    hint = f"{counted(first, 'new run')}. Show {'it' if first == 1 else 'them'}" if first else ""
    return [
        *(
            Part(f"run-{each.run.id}", context.version(each.version), of("row", each, context))
            for each in shown_runs(page.items, asked.clock)
        ),
        _order(desk, hint),
    ]


async def _left_behind(
    desk: Desk, asked: Asked, page: Page[RunView], tab: Sequence[str]
) -> list[Part]:
    """Return the runs that a tab shows and that fit no more; those pushed far stay as they are."""
    gone = [each for each in tab if each not in {run.id for run in page.items}]
    if page.next_cursor:
        return [left(f"run-{each}") for each in gone]
    read = await asyncio.gather(*(or_gone(asked.visitor.tablesync.runs.get(each)) for each in gone))
    there = Page([each for each in read if each])
    return [each for each in run_parts(desk, asked, there, tab) if each.id != "order"]


def _part(context: PageContext, id_: str, shown: object, html: partial[str]) -> Part:
    return Part(id_, context.version(version_of(shown)), html)


def _order(desk: Desk, hint: str) -> Part:
    """Return the hint at a list's head, if there is one to give."""
    version = version_of(hint) if hint else "same"
    html = partial(desk.rendering.part, "parts/live.html", "order", bool(hint), hint, version)
    return Part("order", version, html)
