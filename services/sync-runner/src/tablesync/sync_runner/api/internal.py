"""`/internal/v1`: the catalogue and the states of runs, for the scheduler."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from tablesync.contracts.internal_api import RUN_IDS_LIMIT, RunState, RunStates
from tablesync.service_kit.http.service_auth import Verifier, callers
from tablesync.service_kit.mongo import Database, Document
from tablesync.sync_runner.api.catalog import Catalog
from tablesync.sync_runner.api.catalog_routes import catalog_routes
from tablesync.sync_runner.store import runs_by_id


def routes(database: Database, catalog: Catalog, verifier: Verifier) -> APIRouter:
    """Make the router."""
    admit = Depends(callers(verifier, "scheduler"))
    router = APIRouter(prefix="/internal/v1", dependencies=[admit])
    router.include_router(catalog_routes(catalog, _named_workspace))

    @router.get("/runs", tags=["runs"])
    async def runs(
        ids: Annotated[str, Query(description="Run ids, comma separated.")],
    ) -> RunStates:
        wanted = [each for each in ids.split(",") if each][:RUN_IDS_LIMIT]
        found = await runs_by_id(database, wanted)
        return RunStates(items=tuple(_state(row) for row in found))

    return router


async def _named_workspace(workspace_id: str) -> str:
    return workspace_id


def _state(row: Document) -> RunState:
    return RunState.model_validate({**row, "run_id": row["_id"]})
