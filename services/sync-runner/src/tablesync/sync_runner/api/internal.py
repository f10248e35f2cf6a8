"""`/internal/v1`: the catalogue and the states of runs, for the scheduler."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from tablesync.contracts.specs import rfc3339
from tablesync.service_kit.http.service_auth import Verifier, callers
from tablesync.service_kit.mongo import Database, Document
from tablesync.sync_runner.api.catalog import Catalog, Items
from tablesync.sync_runner.store import runs_by_id

MAX_RUNS = 500


def routes(database: Database, catalog: Catalog, verifier: Verifier) -> APIRouter:
    """Make the router."""
    admit = Depends(callers(verifier, "scheduler"))
    router = APIRouter(prefix="/internal/v1", dependencies=[admit])

    @router.get("/catalog/{connection_id}/objects", tags=["catalog"])
    async def objects(connection_id: str, workspace_id: str) -> Items:
        return await catalog.objects(workspace_id, connection_id)

    @router.get("/catalog/{connection_id}/objects/{object_}/properties", tags=["catalog"])
    async def properties(connection_id: str, object_: str, workspace_id: str) -> Items:
        return await catalog.properties(workspace_id, connection_id, object_)

    @router.get("/catalog/{connection_id}/bases", tags=["catalog"])
    async def bases(connection_id: str, workspace_id: str) -> Items:
        return await catalog.bases(workspace_id, connection_id)

    @router.get("/catalog/{connection_id}/bases/{base_id}/tables", tags=["catalog"])
    async def tables(connection_id: str, base_id: str, workspace_id: str) -> Items:
        return await catalog.tables(workspace_id, connection_id, base_id)

    @router.get("/runs", tags=["runs"])
    async def runs(ids: Annotated[str, Query(description="Run ids, comma separated.")]) -> Items:
        wanted = [each for each in ids.split(",") if each][:MAX_RUNS]
        return {"items": [_run(row) for row in await runs_by_id(database, wanted)]}

    return router


def _run(row: Document) -> dict[str, Any]:
    """Show all that is needed to make the run's event anew."""
    told = ("sync_id", "workspace_id", "trigger", "status", "counts", "cause", "summary")
    moments = ("slot", "started_at", "ended_at")
    return {
        "run_id": row["_id"],
        **{name: row[name] for name in told},
        "connection_id": row["connection_id"],
        **{name: rfc3339(row[name]) if row[name] else None for name in moments},
    }
