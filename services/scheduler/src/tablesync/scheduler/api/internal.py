"""`/internal/v1`: what other services ask, each route with its callers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from tablesync.contracts.internal_api import (
    AFFECTED_LIMIT,
    WRITTEN_BASES_LIMIT,
    AffectedSyncs,
    CatchUpCounts,
    SyncOwner,
    WrittenBases,
)
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.api.views import sync_owner
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.service_auth import Verifier, callers

Workspace = Annotated[str, Query(min_length=1)]


def routes(queries: Queries, verifier: Verifier) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/internal/v1", tags=["internal"])

    @router.get(
        "/connections/{connection_id}/affected-syncs",
        dependencies=[Depends(callers(verifier, "auth-service", "notifier"))],
    )
    async def affected_syncs(
        connection_id: str,
        workspace_id: Workspace,
        after: str = "",
        limit: Annotated[int | None, Query(ge=1, le=AFFECTED_LIMIT)] = None,
    ) -> AffectedSyncs:
        return await queries.affected(workspace_id, connection_id, after, limit)

    @router.get(
        "/connections/{connection_id}/catch-ups",
        dependencies=[Depends(callers(verifier, "notifier"))],
    )
    async def catch_ups(connection_id: str, workspace_id: Workspace) -> CatchUpCounts:
        return await queries.catch_up_counts(workspace_id, connection_id)

    @router.get(
        "/connections/{connection_id}/written-bases",
        dependencies=[Depends(callers(verifier, "auth-service"))],
    )
    async def written_bases(
        connection_id: str,
        workspace_id: Workspace,
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=WRITTEN_BASES_LIMIT)] = WRITTEN_BASES_LIMIT,
    ) -> WrittenBases:
        return await queries.written_bases(workspace_id, connection_id, after, limit)

    @router.get(
        "/syncs/{sync_id}",
        dependencies=[Depends(callers(verifier, "notifier"))],
        responses=declares(404),
    )
    async def owner_of_sync(sync_id: str, workspace_id: Workspace) -> SyncOwner:
        return sync_owner(await queries.sync(workspace_id, sync_id))

    return router
