"""`/v1`: what operators ask and do; the workspace comes from their token."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel
from tablesync.scheduler.api.commands import Commands
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.api.validation import Validation
from tablesync.scheduler.api.views import (
    CancelledRun,
    NewSync,
    RequestedRun,
    RunView,
    SyncEdit,
    SyncView,
)
from tablesync.scheduler.domain import ledger
from tablesync.scheduler.domain.ledger import Statement
from tablesync.scheduler.store import Store
from tablesync.service_kit.http import idempotency
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork

Limit = Annotated[int, Query(ge=1, le=1_000)]


class SyncList(BaseModel):
    """A list."""

    items: list[SyncView]


class RunList(BaseModel):
    """A list."""

    items: list[RunView]


def sync_routes(
    units: UnitsOfWork,
    commands: Commands,
    validation: Validation,
    queries: Queries,
    verifier: Verifier,
) -> APIRouter:
    """Make the routes that change syncs and runs; each takes an Idempotency-Key."""
    router = APIRouter(prefix="/v1", tags=["syncs"])
    once_as_operator = idempotency.dependency(units, at_least(verifier, OperatorRole.OPERATOR))

    @router.post("/syncs", status_code=201)
    async def create_sync(body: NewSync, once: Once = once_as_operator) -> SyncView:
        wanted, source = await validation.new_sync(once.principal.workspace_id, body)
        return await once(lambda unit: commands.create(unit, once.principal, wanted, source))

    @router.patch("/syncs/{sync_id}")
    async def edit_sync(sync_id: str, body: SyncEdit, once: Once = once_as_operator) -> SyncView:
        who = once.principal
        wanted = await validation.edit(await queries.sync(who.workspace_id, sync_id), body)
        checked = wanted.mapping is not None
        return await once(lambda unit: commands.edit(unit, who, sync_id, wanted, checked=checked))

    @router.delete("/syncs/{sync_id}", status_code=204)
    async def delete_sync(sync_id: str, once: Once = once_as_operator) -> Response:
        await once(lambda unit: commands.delete(unit, once.principal, sync_id))
        return Response(status_code=204)

    @router.post("/syncs/{sync_id}/run", status_code=202)
    async def sync_now(sync_id: str, once: Once = once_as_operator) -> RequestedRun:
        return await once(lambda unit: commands.run_now(unit, once.principal, sync_id))

    @router.post("/syncs/{sync_id}/pause")
    async def pause_sync(sync_id: str, once: Once = once_as_operator) -> SyncView:
        return await once(lambda unit: commands.pause(unit, once.principal, sync_id))

    @router.post("/syncs/{sync_id}/resume")
    async def resume_sync(sync_id: str, once: Once = once_as_operator) -> SyncView:
        return await once(lambda unit: commands.resume(unit, once.principal, sync_id))

    @router.post("/runs/{run_id}/cancel", status_code=202)
    async def cancel_run(run_id: str, once: Once = once_as_operator) -> CancelledRun:
        return await once(lambda unit: commands.cancel(unit, once.principal, run_id))

    return router


def history_routes(store: Store, queries: Queries, verifier: Verifier) -> APIRouter:
    """Make the routes that only read."""
    router = APIRouter(prefix="/v1", tags=["history"])
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))

    @router.get("/syncs")
    async def list_syncs(limit: Limit = 1_000, who: Principal = viewer) -> SyncList:
        return SyncList(
            items=await queries.views(await store.syncs.all_of(who.workspace_id, limit))
        )

    @router.get("/syncs/{sync_id}")
    async def show_sync(sync_id: str, who: Principal = viewer) -> SyncView:
        (view,) = await queries.views([await queries.sync(who.workspace_id, sync_id)])
        return view

    @router.get("/syncs/{sync_id}/ledger")
    async def show_ledger(sync_id: str, who: Principal = viewer) -> Statement:
        sync = await queries.sync(who.workspace_id, sync_id)
        closed = await store.gaps.all_of(sync_id)
        return ledger.statement(sync, closed, await store.now())

    @router.get("/runs")
    async def list_runs(
        sync_id: str | None = None, limit: Limit = 100, who: Principal = viewer
    ) -> RunList:
        runs = await store.runs.all_of(who.workspace_id, sync_id, limit)
        return RunList(items=[RunView.of(run) for run in runs])

    @router.get("/runs/{run_id}")
    async def show_run(run_id: str, who: Principal = viewer) -> RunView:
        run = await store.runs.get(run_id)
        if run is None or run.workspace_id != who.workspace_id:
            raise not_found("run")
        return RunView.of(run)

    return router
