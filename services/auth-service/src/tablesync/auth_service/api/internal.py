"""`/internal/v1`: what other services ask, each route with the callers it admits."""

from typing import Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from tablesync.auth_service.api.views import state_view
from tablesync.auth_service.parts import Parts
from tablesync.contracts.internal_api import (
    AccessTokenAnswer,
    AccessTokenRequest,
    AuthFailureReport,
    AuthFailureRuling,
)
from tablesync.contracts.specs import rfc3339
from tablesync.service_kit.http.service_auth import callers
from tablesync.service_kit.text import Text

LIST_LIMIT = 1_000


class InWorkspace(BaseModel):
    """A request about a connection of this workspace."""

    workspace_id: Text


def routes(parts: Parts) -> APIRouter:
    """Make the router."""
    connections, workspaces, verifier = parts.connections, parts.workspaces, parts.verifier
    router = APIRouter(prefix="/internal/v1", tags=["internal"])
    runner = Depends(callers(verifier, "sync-runner"))
    notifier = Depends(callers(verifier, "notifier"))
    readers = Depends(callers(verifier, "scheduler", "sync-runner", "notifier"))

    @router.post("/connections/{connection_id}/access-token", dependencies=[runner])
    async def access_token(connection_id: str, body: AccessTokenRequest) -> AccessTokenAnswer:
        return await parts.access_tokens.get(body.workspace_id, connection_id)

    @router.post("/connections/{connection_id}/auth-failures", dependencies=[runner])
    async def auth_failure(connection_id: str, body: AuthFailureReport) -> AuthFailureRuling:
        return await parts.auth_failures.judge(connection_id, body)

    @router.post("/connections/{connection_id}/reconnect-links", dependencies=[notifier])
    async def reconnect_link(connection_id: str, body: InWorkspace) -> dict[str, Any]:
        link = await parts.units.run(
            lambda unit: parts.links.create(unit, body.workspace_id, connection_id)
        )
        url = f"{parts.settings.auth_public_url}/reconnect/{link.secret.get_secret_value()}"
        return {"url": url, "expires_at": rfc3339(link.expires_at)}

    @router.get("/connections/{connection_id}/recipients", dependencies=[notifier])
    async def connection_recipients(connection_id: str, workspace_id: str) -> dict[str, Any]:
        connection = await connections.get(workspace_id, connection_id)
        return {"items": await workspaces.recipients(workspace_id, connection.owner_id)}

    @router.get("/workspaces/{workspace_id}/recipients", dependencies=[notifier])
    async def recipients(workspace_id: str, owner_id: str | None = None) -> dict[str, Any]:
        await workspaces.get(workspace_id)
        return {"items": await workspaces.recipients(workspace_id, owner_id)}

    @router.get("/connections", dependencies=[readers])
    async def states(
        since_sequence: int = Query(0, ge=0), limit: int = Query(LIST_LIMIT, ge=1, le=LIST_LIMIT)
    ) -> dict[str, Any]:
        found = await connections.changed_since(since_sequence, limit)
        return {"items": [state_view(each) for each in found]}

    return router
