"""`/internal/v1`: the catalogue and the states of runs, for the scheduler."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from tablesync.contracts.internal_api import RUN_IDS_LIMIT, RunState, RunStates
from tablesync.service_kit.http.service_auth import Verifier, callers
from tablesync.sync_runner.api.catalog import Catalog
from tablesync.sync_runner.api.catalog_routes import catalog_routes
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.store import Runs

PREFIX = "/internal/v1"


def routes(runs: Runs, catalog: Catalog, verifier: Verifier) -> APIRouter:
    """Make the router."""
    admit = Depends(callers(verifier, "scheduler"))
    router = APIRouter(prefix=PREFIX, dependencies=[admit])
    router.routes.extend(catalog_routes(PREFIX, catalog, _named_workspace, [admit]).routes)

    @router.get("/runs", tags=["runs"])
    async def run_states(
        ids: Annotated[str, Query(description="Run ids, comma separated.")],
    ) -> RunStates:
        wanted = [each for each in ids.split(",") if each][:RUN_IDS_LIMIT]
        found = await runs.find_all(wanted)
        items = tuple(_state(each) for each in found.items)
        return RunStates(items=items, unread_ids=tuple(found.unread_ids))

    return router


async def _named_workspace(workspace_id: str) -> str:
    return workspace_id


def _state(run: Run) -> RunState:
    """Tell all that is needed to make the run's event anew."""
    return RunState(
        run_id=run.id,
        sync_id=run.sync_id,
        workspace_id=run.workspace_id,
        trigger=run.trigger,
        status=run.status,
        counts=run.counts,
        cause=run.cause,
        summary=run.summary,
        connection_id=run.connection_id,
        slot=run.slot,
        started_at=run.started_at,
        ended_at=run.ended_at,
        retry_at=run.retry_at,
        found=run.found,
    )
