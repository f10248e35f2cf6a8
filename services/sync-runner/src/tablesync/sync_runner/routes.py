"""The HTTP routes: the catalogue for people and for scheduler, rejections, and runs."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from motor.motor_asyncio import AsyncIOMotorDatabase
from tablesync.contracts.specs import rfc3339
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier, callers
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo import Document
from tablesync.sync_runner.catalog import Catalog, Items
from tablesync.sync_runner.store import REJECTIONS, RUNS, runs_by_id

MAX_REJECTIONS = 10_000
MAX_RUNS = 500


def public(
    database: AsyncIOMotorDatabase[Document], catalog: Catalog, verifier: Verifier
) -> APIRouter:
    """Make the routes for operators; the workspace comes from their token."""
    router = APIRouter(prefix="/v1")
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))

    @router.get("/catalog/{connection_id}/objects", tags=["catalog"])
    async def objects(connection_id: str, who: Principal = viewer) -> Items:
        return await catalog.objects(who.workspace_id, connection_id)

    @router.get("/catalog/{connection_id}/objects/{object_}/properties", tags=["catalog"])
    async def properties(connection_id: str, object_: str, who: Principal = viewer) -> Items:
        return await catalog.properties(who.workspace_id, connection_id, object_)

    @router.get("/catalog/{connection_id}/bases", tags=["catalog"])
    async def bases(connection_id: str, who: Principal = viewer) -> Items:
        return await catalog.bases(who.workspace_id, connection_id)

    @router.get("/catalog/{connection_id}/bases/{base_id}/tables", tags=["catalog"])
    async def tables(connection_id: str, base_id: str, who: Principal = viewer) -> Items:
        return await catalog.tables(who.workspace_id, connection_id, base_id)

    @router.get("/runs/{run_id}/rejections", tags=["runs"])
    async def rejections(run_id: str, who: Principal = viewer) -> Items:
        owned = {"_id": run_id, "workspace_id": who.workspace_id}
        if await database[RUNS].find_one(owned, {"_id": 1}) is None:
            raise not_found("run")
        cursor = database[REJECTIONS].find({"run_id": run_id}).sort("source_id", 1)
        return {"items": [_rejection(row) for row in await cursor.to_list(MAX_REJECTIONS)]}

    return router


def internal(
    database: AsyncIOMotorDatabase[Document], catalog: Catalog, verifier: Verifier
) -> APIRouter:
    """Make the routes for other services."""
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


def _rejection(row: Document) -> dict[str, Any]:
    return {
        "source_id": row["source_id"],
        "reason": row["reason"],
        "field": row["field"],
        "at": rfc3339(row["at"]),
    }


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
