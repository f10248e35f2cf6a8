"""The list of syncs, failing first: search, filters, and what is done to many at once."""

import asyncio
from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from tablesync.contracts.public_api.bulk_changes import BulkAction, NewBulkChange
from tablesync.contracts.public_api.syncs import SyncFilter, SyncState, SyncView
from tablesync.dashboard.shown import badges
from tablesync.dashboard.shown.syncs import shown_syncs
from tablesync.dashboard.web.desk import Desk, Member
from tablesync.dashboard.web.silences import or_silent

A_PAGE = 50
STATES = [(each, badges.of_sync(each).word) for each in SyncState]
EVERY_MATCHING = "matching"
FILTERS = {
    "q": "q",
    "state": "state",
    "connection_id": "connection",
    "base_id": "base",
    "table_id": "table",
}
CHOOSE = "Nothing was done: choose a sync first, or filters that this page offers."


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}", include_in_schema=False)

    @router.get("/syncs")
    async def show(
        asked: Member,
        *,
        q: str = "",
        state: str = "",
        connection: str = "",
        base: str = "",
        table: str = "",
        cursor: str | None = None,
    ) -> Response:
        query = {"q": q, "state": state, "connection": connection, "base": base, "table": table}
        wanted = filter_of(query)
        given = wanted.model_dump(exclude_none=True, mode="json")
        tablesync = asked.visitor.tablesync
        page, counts, connections = await asyncio.gather(
            tablesync.syncs.page(**given, limit=A_PAGE, cursor=cursor),
            tablesync.syncs.counts(**{k: v for k, v in given.items() if k != "state"}),
            or_silent(tablesync.connections.names()),
        )
        return desk.page(
            asked,
            "pages/syncs.html",
            shown=shown_syncs(page.items, asked.clock),
            counts=counts,
            matching=counts.states.get(state, 0) if state else counts.total,
            states=STATES,
            connections=connections,
            wanted=wanted,
            query=query,
            target=target_of(wanted, page.items),
            next_cursor=page.next_cursor,
        )

    @router.post("/syncs/bulk")
    async def change_many(request: Request, asked: Member) -> Response:
        """Do one thing to the chosen syncs, or to all that fit, and show what did not work."""
        form = await desk.form(request)
        change: dict[str, object] = {"action": form.get("action")}
        if form.get("chosen") == EVERY_MATCHING:
            # A filter that nobody knows would otherwise widen what is done to all syncs there are.
            change["matching"] = {ours: form.get(name) or None for ours, name in FILTERS.items()}
        else:
            change["sync_ids"] = list(form.all("sync"))
        try:
            wanted = NewBulkChange.model_validate(change)
        except ValidationError:
            return desk.back(request, asked.path("/syncs"), CHOOSE, "warn")
        if wanted.action is BulkAction.DELETE and form.get("sure") != "yes":
            return desk.page(asked, "pages/delete_syncs.html", form=form, change=wanted)
        begun = await asked.visitor.tablesync.syncs.bulk(wanted, idempotency_key=form.get("once"))
        return desk.back(request, asked.path(f"/bulk-changes/{begun.id}"))

    @router.get("/bulk-changes/{change_id}")
    async def show_change(asked: Member, change_id: str) -> Response:
        change = await asked.visitor.tablesync.syncs.bulk_change(change_id)
        return desk.page(asked, "pages/bulk_change.html", change=change)

    return router


def filter_of(query: Mapping[str, str]) -> SyncFilter:
    """Read filters from an address; one that nobody knows filters nothing."""
    asked = {ours: query[name] or None for ours, name in FILTERS.items()}
    if asked["state"] not in set(SyncState):
        asked["state"] = None
    try:
        return SyncFilter.model_validate(asked)
    except ValidationError:
        return SyncFilter(q=query["q"][:200] or None)


def target_of(wanted: SyncFilter, syncs: Sequence[SyncView]) -> str:
    """Return the base or the table that syncs are narrowed to, by name where one of them tells."""
    names = {id_: name for each in syncs for id_, name in each.names.items()}
    return " / ".join(names.get(each, each) for each in (wanted.base_id, wanted.table_id) if each)
