"""`/v1`: the catalogue and the rejections, for operators; the workspace comes from their token."""

from fastapi import APIRouter, Depends
from tablesync.contracts import RunStatus
from tablesync.contracts.public_api.runs import RejectionView, RunProgress
from tablesync.service_kit.http import pages
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.sync_runner.api.catalog import Catalog
from tablesync.sync_runner.api.catalog_routes import catalog_routes
from tablesync.sync_runner.inquiries.records import rejection_view
from tablesync.sync_runner.pipeline.rejections import Rejections
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.store import Runs


def routes(runs: Runs, rejections: Rejections, catalog: Catalog, verifier: Verifier) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1")
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))
    a_page = pages.requested(default=1_000, most=10_000)

    async def own_workspace(who: Principal = viewer) -> str:
        return who.workspace_id

    router.include_router(catalog_routes(catalog, own_workspace))

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
