"""`/internal/v1`: what other services ask, each route with its callers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.api.views import AffectedSync, SyncOwner
from tablesync.service_kit.http.service_auth import Verifier, callers

Workspace = Annotated[str, Query(min_length=1)]


class AffectedSyncs(BaseModel):
    """A list."""

    items: list[AffectedSync]


def routes(queries: Queries, verifier: Verifier) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/internal/v1", tags=["internal"])

    @router.get(
        "/connections/{connection_id}/affected-syncs",
        dependencies=[Depends(callers(verifier, "auth-service", "notifier"))],
    )
    async def affected_syncs(connection_id: str, workspace_id: Workspace) -> AffectedSyncs:
        return AffectedSyncs(items=await queries.affected(workspace_id, connection_id))

    @router.get("/syncs/{sync_id}", dependencies=[Depends(callers(verifier, "notifier"))])
    async def sync_owner(sync_id: str, workspace_id: Workspace) -> SyncOwner:
        sync = await queries.sync(workspace_id, sync_id)
        return SyncOwner(
            sync_id=sync.id, name=sync.name, source=sync.source, owner_id=sync.owner_id
        )

    return router
