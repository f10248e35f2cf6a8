"""`/v1`: lists of syncs and runs, by what is asked of them, and how many there are."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field
from tablesync.contracts import RunStatus, Trigger
from tablesync.contracts.ids import AirtableBaseId, AirtableTableId
from tablesync.contracts.public_api.connection_uses import ConnectionUses
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.syncs import (
    SearchedId,
    SearchedName,
    SyncCounts,
    SyncFilter,
    SyncState,
    SyncView,
)
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.api.views import run_view
from tablesync.scheduler.store import Store
from tablesync.scheduler.store.runs import RunFilter
from tablesync.service_kit.http import pages
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least

A_PAGE_OF_SYNCS = pages.requested(default=1_000, most=1_000)
A_PAGE_OF_RUNS = pages.requested(default=100, most=1_000)
# Nothing was before, and with what is after nobody can reckon.
AskedMoment = Annotated[
    AwareDatetime,
    Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC)),
]


def asked_syncs(
    q: Annotated[SearchedName | None, Query(description="A part of the name.")] = None,
    state: SyncState | None = None,
    connection_id: Annotated[
        SearchedId | None, Query(description="Its source's or its target's.")
    ] = None,
    base_id: AirtableBaseId | None = None,
    table_id: AirtableTableId | None = None,
) -> SyncFilter:
    """Return which syncs a caller asks for: those that fit all that is given."""
    return SyncFilter(
        q=q, state=state, connection_id=connection_id, base_id=base_id, table_id=table_id
    )


def asked_runs(
    sync_id: Annotated[SearchedId | None, Query()] = None,
    connection_id: Annotated[
        SearchedId | None, Query(description="Its sync's source's or target's.")
    ] = None,
    status: RunStatus | None = None,
    trigger: Trigger | None = None,
    since: Annotated[
        AskedMoment | None, Query(alias="from", description="Requested then or later.")
    ] = None,
    until: Annotated[AskedMoment | None, Query(alias="to", description="Requested before.")] = None,
) -> RunFilter:
    """Return which runs a caller asks for: those that fit all that is given."""
    return RunFilter(sync_id, connection_id, status, trigger, since, until)


Connections = Annotated[
    list[SearchedId] | None,
    Query(alias="connection_id", max_length=100, description="Of these connections alone."),
]
Runs = Annotated[RunFilter, Depends(asked_runs)]
Syncs = Annotated[SyncFilter, Depends(asked_syncs)]


def routes(store: Store, queries: Queries, verifier: Verifier) -> APIRouter:
    """Make the router; its paths come before those of one sync."""
    router = APIRouter(prefix="/v1", tags=["lists"])
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))

    @router.get("/syncs")
    async def list_syncs(
        wanted: Syncs, at: PageRequest = A_PAGE_OF_SYNCS, who: Principal = viewer
    ) -> Page[SyncView]:
        """List syncs: those that fail first, then by their states, and by name."""
        page = await store.lists.page_of(who.workspace_id, wanted, at)
        return page.with_items(await queries.views(page.items))

    @router.get("/syncs/counts")
    async def count_syncs(wanted: Syncs, who: Principal = viewer) -> SyncCounts:
        states = await store.lists.count(who.workspace_id, wanted)
        return SyncCounts(total=sum(states.values()), states=states)

    @router.get("/connections/uses")
    async def show_uses(only: Connections = None, who: Principal = viewer) -> ConnectionUses:
        """Show how each connection is used that any sync needs, or those that are asked for."""
        return ConnectionUses(items=tuple(await store.uses.all_of(who.workspace_id, only)))

    @router.get("/runs")
    async def list_runs(
        wanted: Runs, at: PageRequest = A_PAGE_OF_RUNS, who: Principal = viewer
    ) -> Page[RunView]:
        """List runs, newest first."""
        page = await store.runs.page_of(who.workspace_id, wanted, at)
        sync_ids = {run.sync_id for run in page.items}
        names = await store.lists.names_of(who.workspace_id, sync_ids)
        return page.map(lambda run: run_view(run, names.get(run.sync_id)))

    return router
