"""`/v1`: the workspace and its members."""

from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from tablesync.auth_service.identity import workspaces
from tablesync.auth_service.identity.workspaces import Email, Name, parse_role
from tablesync.auth_service.parts import Parts
from tablesync.service_kit.http import idempotency
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least


class NewMember(BaseModel):
    """Somebody to add."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    name: Name
    role: Literal["viewer", "operator", "admin"]


def routes(parts: Parts) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["workspace"])
    viewer = Depends(at_least(parts.verifier, OperatorRole.VIEWER))
    as_admin = idempotency.dependency(parts.units, at_least(parts.verifier, OperatorRole.ADMIN))

    @router.get("/workspace")
    async def workspace(principal: Principal = viewer) -> dict[str, Any]:
        return await parts.workspaces.get(principal.workspace_id)

    @router.get("/members")
    async def members(principal: Principal = viewer) -> dict[str, Any]:
        found = await parts.workspaces.members(principal.workspace_id)
        return {"items": [each.view() for each in found]}

    @router.post("/members", status_code=201)
    async def add_member(body: NewMember, once: Once = as_admin) -> dict[str, Any]:
        role = parse_role(body.role)
        return await once(
            lambda unit: workspaces.add_member(unit, once.principal, body.email, body.name, role)
        )

    @router.delete("/members/{operator_id}")
    async def remove_member(operator_id: str, once: Once = as_admin) -> dict[str, Any]:
        return await once(lambda unit: workspaces.remove_member(unit, once.principal, operator_id))

    return router
