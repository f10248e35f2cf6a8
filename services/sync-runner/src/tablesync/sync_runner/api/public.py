"""`/v1`: the catalogue and the rejections, for operators; the workspace comes from their token."""

from fastapi import APIRouter, Depends
from tablesync.contracts import RunStatus
from tablesync.contracts.ids import AirtableBaseId
from tablesync.contracts.internal_api import AirtableTable
from tablesync.contracts.public_api.catalog import NewTable
from tablesync.contracts.public_api.runs import RejectionView, RunProgress
from tablesync.service_kit.http import idempotency, pages
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.sync_runner.api.catalog import Catalog
from tablesync.sync_runner.api.catalog_routes import catalog_routes
from tablesync.sync_runner.api.new_tables import NewTables
from tablesync.sync_runner.inquiries.records import rejection_view
from tablesync.sync_runner.pipeline.rejections import Rejections
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.store import Runs

PREFIX = "/v1"


def routes(
    units: UnitsOfWork,
    runs: Runs,
    rejections: Rejections,
    catalog: Catalog,
    new_tables: NewTables,
    verifier: Verifier,
) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix=PREFIX)
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))
    once_as_operator = idempotency.dependency(units, at_least(verifier, OperatorRole.OPERATOR))
    a_page = pages.requested(default=1_000, most=10_000)

    async def own_workspace(who: Principal = viewer) -> str:
        return who.workspace_id

    router.routes.extend(catalog_routes(PREFIX, catalog, own_workspace).routes)

    @router.post(
        "/catalog/{connection_id}/bases/{base_id}/tables",
        status_code=201,
        tags=["catalog"],
        responses=declares(404, 409),
    )
    async def create_table(
        connection_id: str, base_id: AirtableBaseId, body: NewTable, once: Once = once_as_operator
    ) -> AirtableTable:
        """Make a table; where that was not granted, the answer says what else to ask for.

        It is made before the answer is remembered: a table that is there already is not made again.
        """
        workspace_id = once.principal.workspace_id
        made = await new_tables.create(workspace_id, connection_id, base_id, body)

        async def answer(_: UnitOfWork) -> AirtableTable:
            return made

        return await once(answer)

    @router.get("/runs/{run_id}/rejections", tags=["runs"], responses=declares(404))
    async def rejections_of_run(
        run_id: str, at: PageRequest = a_page, who: Principal = viewer
    ) -> Page[RejectionView]:
        if await runs.find_of(who.workspace_id, run_id) is None:
            raise not_found("run")
        return (await rejections.page(run_id, at)).map(rejection_view)

    @router.get("/runs/{run_id}/progress", tags=["runs"], responses=declares(404))
    async def progress_of_run(run_id: str, who: Principal = viewer) -> RunProgress:
        """Tell how far a run has come, as it was last saved: twice a second while it runs."""
        run = await runs.find_of(who.workspace_id, run_id)
        if run is None:
            raise not_found("run")
        return progress_view(run)

    return router


def progress_view(run: Run) -> RunProgress:
    """Show how far a run has come."""
    return RunProgress(
        run_id=run.id,
        sync_id=run.sync_id,
        status=run.status,
        phase=run.phase if run.status is RunStatus.RUNNING else None,
        counts=run.counts,
        total=run.total,
        at=run.saved_at,
    )
