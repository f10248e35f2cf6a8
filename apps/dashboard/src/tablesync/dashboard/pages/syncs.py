"""The list of syncs, failing first: search, filters, and what is done to many at once."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ValidationError
from tablesync.client import ConflictError
from tablesync.contracts.public_api.bulk_changes import BulkAction, NewBulkChange
from tablesync.contracts.public_api.syncs import SyncCounts, SyncFilter, SyncView
from tablesync.dashboard.pages.making.kept import begun
from tablesync.dashboard.shown.syncs import shown_syncs
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.web.desk import Asked, Desk, Member
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.silences import or_silent, told

A_PAGE = 50
EVERY_MATCHING = "matching"
FILTERS = {
    "q": "q",
    "state": "state",
    "connection_id": "connection",
    "base_id": "base",
    "table_id": "table",
}
MOST_SEARCHED = 200
OTHERS_MATCH, CONFLICT = "others-match", 409
CHOOSE = "Nothing was done: choose a sync first, or filters that this page offers."


async def query_of(
    q: str = "", state: str = "", connection: str = "", base: str = "", table: str = ""
) -> Mapping[str, str]:
    """Return the filters that an address names; one that nobody knows is none."""
    asked = {"q": q, "state": state, "connection": connection, "base": base, "table": table}
    known = filter_of(asked).model_dump(exclude_none=True, mode="json")
    return {name: known.get(ours, "") for ours, name in FILTERS.items()}


SyncQuery = Annotated[Mapping[str, str], Depends(query_of)]


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}", include_in_schema=False)

    @router.get("/syncs")
    async def show(
        asked: Member,
        query: SyncQuery,
        cursor: str | None = None,
    ) -> Response:
        found, connections, drafts = await asyncio.gather(
            read_list(asked, query, cursor),
            or_silent(asked.visitor.tablesync.connections.names()),
            begun(asked),
        )
        return desk.page(
            asked,
            "pages/syncs.html",
            shown=shown_syncs(found.syncs, asked.clock, found.accounts),
            counts=found.counts,
            matching=found.matching,
            order=found.order,
            connections=connections,
            begun=drafts,
            query=query,
            cursor=cursor or "",
            target=target_of(filter_of(query), found.syncs),
            next_cursor=found.next_cursor,
        )

    return router


def change_routes(desk: Desk) -> APIRouter:
    """Make the routes that change many at once."""
    router = APIRouter(prefix="/w/{workspace_id}", include_in_schema=False)

    @router.post("/syncs/bulk")
    async def change_many(request: Request, asked: Member) -> Response:
        """Do one thing to the chosen syncs, or to all that fit, and show what did not work."""
        form = await desk.form(request)
        try:
            wanted = _wanted(form)
        except ValidationError:
            return desk.back(request, asked.path("/syncs"), CHOOSE, "warn")
        if wanted.action is BulkAction.DELETE and form.get("sure") != "yes":
            return await ask(asked, form, wanted)
        syncs = asked.visitor.tablesync.syncs
        try:
            begun = await syncs.bulk(wanted, idempotency_key=form.get("once"))
        except ConflictError as error:
            if OTHERS_MATCH not in error.problem.type:
                raise
            return await ask(asked, form, wanted, CONFLICT)
        return desk.back(request, asked.path(f"/bulk-changes/{begun.id}"))

    async def ask(asked: Asked, form: Form, wanted: NewBulkChange, status: int = 200) -> Response:
        """Ask whether to do it to those that there are now, and say if others were seen."""
        query = {name: form.get(name) for name in FILTERS.values()}
        found = None if wanted.sync_ids else await read_list(asked, query, None)
        count = found.matching if found else len(wanted.sync_ids or ())
        return desk.page(
            asked,
            "pages/change_syncs.html",
            status=status,
            form=form,
            change=wanted,
            query=query,
            count=count,
            others_match=found is not None and wanted.seen != count,
            target=target_of(filter_of(query), found.syncs) if found else "",
        )

    @router.get("/bulk-changes/{change_id}")
    async def show_change(asked: Member, change_id: str) -> Response:
        change = await asked.visitor.tablesync.syncs.bulk_change(change_id)
        return desk.page(asked, "pages/bulk_change.html", change=change)

    return router


@dataclass(frozen=True)
class SyncList:
    """A page of syncs that fit, and how many there are of each state."""

    syncs: Sequence[SyncView]
    counts: SyncCounts
    state: str
    next_cursor: str | None
    accounts: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> str:
        """What tells whether syncs came, went, or stand in another order."""
        return version_of([each.id for each in self.syncs])

    @property
    def matching(self) -> int:
        """How many fit, on this page and on others."""
        return self.counts.states.get(self.state, 0) if self.state else self.counts.total


async def read_list(asked: Asked, query: Mapping[str, str], cursor: str | None) -> SyncList:
    """Read a page of syncs."""
    given = filter_of(query).model_dump(exclude_none=True, mode="json")
    syncs = asked.visitor.tablesync.syncs
    page, counts = await asyncio.gather(
        syncs.page(**given, limit=A_PAGE, cursor=cursor),
        syncs.counts(**{k: v for k, v in given.items() if k != "state"}),
    )
    accounts = await _accounts(asked) if any(each.hold for each in page.items) else {}
    return SyncList(page.items, counts, query["state"], page.next_cursor, accounts)


async def _accounts(asked: Asked) -> Mapping[str, str]:
    """Read which connections are told from others of their provider by what they are called."""
    names = told(await or_silent(asked.visitor.tablesync.connections.names()), ())
    of_provider = Counter(each.provider for each in names)
    return {each.id: each.name for each in names if of_provider[each.provider] > 1}


def filter_of(query: Mapping[str, str]) -> SyncFilter:
    """Read filters from an address; one that nobody knows filters nothing."""
    asked = {ours: query[name] or None for ours, name in FILTERS.items()}
    asked["q"] = query["q"][:MOST_SEARCHED] or None
    return SyncFilter.model_validate({each: v for each, v in asked.items() if _is_known(each, v)})


def _is_known(name: str, value: str | None) -> bool:
    try:
        SyncFilter.model_validate({name: value})
    except ValidationError:
        return False
    return True


def _wanted(form: Form) -> NewBulkChange:
    """Read what to do to which syncs; raises ValidationError for what is no such change."""
    change: dict[str, object] = {"action": form.get("action")}
    if form.get("chosen") == EVERY_MATCHING:
        # A filter that nobody knows would otherwise widen what is done to all syncs there are.
        change["matching"] = {ours: form.get(name) or None for ours, name in FILTERS.items()}
        change["seen"] = _seen(form)
    else:
        change["sync_ids"] = list(form.all("sync"))
    return NewBulkChange.model_validate(change)


def _seen(form: Form) -> int:
    """Return how many a page said that match; one that did not say it has shown none."""
    sent = form.get("seen")
    return int(sent) if sent.isascii() and sent.isdecimal() else 0


def target_of(wanted: SyncFilter, syncs: Sequence[SyncView]) -> str:
    """Return the base or the table that syncs are narrowed to, by name where one of them tells."""
    names = {id_: name for each in syncs for id_, name in each.names.items()}
    return " / ".join(names.get(each, each) for each in (wanted.base_id, wanted.table_id) if each)
