"""The routes of the catalogue, the same for operators and for the scheduler."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.params import Depends as Dependency
from tablesync.contracts.ids import AirtableBaseId, ObjectName
from tablesync.contracts.internal_api import (
    AirtableBases,
    AirtableTables,
    SourceObjects,
    SourceProperties,
)
from tablesync.service_kit.http.openapi import declares
from tablesync.sync_runner.api.catalog import Catalog


def catalog_routes(
    prefix: str,
    catalog: Catalog,
    workspace_of: Callable[..., Coroutine[Any, Any, str]],
    dependencies: Sequence[Dependency] = (),
) -> APIRouter:
    """Make the router; `workspace_of` is the dependency that says whose connections are asked."""
    router = APIRouter(
        prefix=f"{prefix}/catalog/{{connection_id}}",
        tags=["catalog"],
        dependencies=dependencies,
        responses=declares(404, 409),
    )
    Workspace = Annotated[str, Depends(workspace_of)]  # noqa: N806 - a type

    @router.get("/objects")
    async def objects(connection_id: str, workspace_id: Workspace) -> SourceObjects:
        return await catalog.objects(workspace_id, connection_id)

    @router.get("/objects/{object}/properties")
    async def properties(
        connection_id: str,
        object_: Annotated[ObjectName, Path(alias="object")],
        workspace_id: Workspace,
    ) -> SourceProperties:
        return await catalog.properties(workspace_id, connection_id, object_)

    @router.get("/bases")
    async def bases(connection_id: str, workspace_id: Workspace) -> AirtableBases:
        return await catalog.bases(workspace_id, connection_id)

    @router.get("/bases/{base_id}/tables")
    async def tables(
        connection_id: str, base_id: AirtableBaseId, workspace_id: Workspace
    ) -> AirtableTables:
        return await catalog.tables(workspace_id, connection_id, base_id)

    return router
