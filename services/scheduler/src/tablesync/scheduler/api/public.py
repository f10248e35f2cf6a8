"""`/v1`: what operators ask and do; the workspace comes from their token."""

from fastapi import APIRouter, Depends, Response
from tablesync.contracts.public_api.runs import CancelledRun, RequestedRun, RunView
from tablesync.contracts.public_api.syncs import NewSync, SyncCopy, SyncEdit, SyncView
from tablesync.scheduler.api.commands import Commands
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.api.validation import Validation
from tablesync.scheduler.api.views import run_view
from tablesync.scheduler.store import Store
from tablesync.service_kit.http import idempotency
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork


def sync_routes(
    units: UnitsOfWork,
    commands: Commands,
    validation: Validation,
    queries: Queries,
    verifier: Verifier,
) -> APIRouter:
    """Make the routes that change syncs; each takes an Idempotency-Key."""
    router = APIRouter(prefix="/v1", tags=["syncs"])
    once_as_operator = idempotency.dependency(units, at_least(verifier, OperatorRole.OPERATOR))

    @router.post("/syncs", status_code=201, responses=declares(404, 409))
    async def create_sync(body: NewSync, once: Once = once_as_operator) -> SyncView:
        accepted = await validation.new_sync(once.principal.workspace_id, body)
        return await once(lambda unit: commands.create(unit, once.principal, accepted))

    @router.patch("/syncs/{sync_id}", responses=declares(404, 409))
    async def edit_sync(sync_id: str, body: SyncEdit, once: Once = once_as_operator) -> SyncView:
        who = once.principal
        sync = await queries.sync(who.workspace_id, sync_id)
        wanted, checked = await validation.edit(sync, body)
        return await once(lambda unit: commands.edit(unit, who, sync_id, wanted, checked))

    @router.post("/syncs/{sync_id}/duplicate", status_code=201, responses=declares(404))
    async def duplicate_sync(
        sync_id: str, body: SyncCopy, once: Once = once_as_operator
    ) -> SyncView:
        """Create a sync like this one, under a name of its own; it begins paused."""
        who, name = once.principal, validation.name(body.name)
        return await once(lambda unit: commands.duplicate(unit, who, sync_id, name))

    @router.delete("/syncs/{sync_id}", status_code=204, responses=declares(404))
    async def delete_sync(sync_id: str, once: Once = once_as_operator) -> Response:
        await once(lambda unit: commands.delete(unit, once.principal, sync_id))
        return Response(status_code=204)

    @router.post("/syncs/{sync_id}/pause", responses=declares(404))
    async def pause_sync(sync_id: str, once: Once = once_as_operator) -> SyncView:
        return await once(lambda unit: commands.pause(unit, once.principal, sync_id))

    @router.post("/syncs/{sync_id}/resume", responses=declares(404))
    async def resume_sync(sync_id: str, once: Once = once_as_operator) -> SyncView:
        return await once(lambda unit: commands.resume(unit, once.principal, sync_id))

    return router


def run_routes(units: UnitsOfWork, commands: Commands, verifier: Verifier) -> APIRouter:
    """Make the routes that ask for runs and stop them; each takes an Idempotency-Key."""
    router = APIRouter(prefix="/v1", tags=["syncs"])
    once_as_operator = idempotency.dependency(units, at_least(verifier, OperatorRole.OPERATOR))

    @router.post("/syncs/{sync_id}/run", status_code=202, responses=declares(404))
    async def sync_now(sync_id: str, once: Once = once_as_operator) -> RequestedRun:
        return await once(lambda unit: commands.run_now(unit, once.principal, sync_id))

    @router.post("/syncs/{sync_id}/check", status_code=202, responses=declares(404))
    async def check_everything(sync_id: str, once: Once = once_as_operator) -> RequestedRun:
        """Compare every record and every row, and not only what changed.

        While such a check is under way, it is named again.
        """
        return await once(lambda unit: commands.run_now(unit, once.principal, sync_id, check=True))

    @router.post("/runs/{run_id}/cancel", status_code=202, responses=declares(404))
    async def cancel_run(run_id: str, once: Once = once_as_operator) -> CancelledRun:
        return await once(lambda unit: commands.cancel(unit, once.principal, run_id))

    return router


def history_routes(store: Store, queries: Queries, verifier: Verifier) -> APIRouter:
    """Make the routes that show one of them."""
    router = APIRouter(prefix="/v1", tags=["history"])
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))

    @router.get("/syncs/{sync_id}", responses=declares(404))
    async def show_sync(sync_id: str, who: Principal = viewer) -> SyncView:
        (view,) = await queries.views([await queries.sync(who.workspace_id, sync_id)])
        return view

    @router.get("/runs/{run_id}", responses=declares(404))
    async def show_run(run_id: str, who: Principal = viewer) -> RunView:
        run = await store.runs.get_of(who.workspace_id, run_id)
        if run is None:
            raise not_found("run")
        return run_view(run)

    return router
