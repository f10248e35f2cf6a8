"""`/v1`: the catalogue and the rejections, for operators; the workspace comes from their token."""

from typing import Any

from fastapi import APIRouter, Depends
from tablesync.contracts.specs import rfc3339
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo import Database, Document
from tablesync.sync_runner.api.catalog import Catalog, Items
from tablesync.sync_runner.store import REJECTIONS, RUNS

MAX_REJECTIONS = 10_000


def routes(database: Database, catalog: Catalog, verifier: Verifier) -> APIRouter:
    """Make the router."""
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


def _rejection(row: Document) -> dict[str, Any]:
    return {
        "source_id": row["source_id"],
        "reason": row["reason"],
        "field": row["field"],
        "at": rfc3339(row["at"]),
    }
