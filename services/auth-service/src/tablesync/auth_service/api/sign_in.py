"""`/v1`: sign-in, and the caller's own API tokens."""

from typing import Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict
from tablesync.auth_service.identity import api_tokens
from tablesync.auth_service.identity.sign_in import Credentials
from tablesync.auth_service.identity.workspaces import Name
from tablesync.auth_service.parts import Parts
from tablesync.service_kit.http import idempotency
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least


class NewApiToken(BaseModel):
    """A token to make."""

    model_config = ConfigDict(extra="forbid")

    name: Name


def routes(parts: Parts) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1", tags=["sign-in"])
    admit = at_least(parts.verifier, OperatorRole.VIEWER)
    as_viewer = idempotency.dependency(parts.units, admit)

    @router.post("/tokens")
    async def exchange(credentials: Credentials, response: Response) -> dict[str, Any]:
        response.headers["Cache-Control"] = "no-store"
        return await parts.sign_in.exchange(credentials)

    @router.get("/api-tokens")
    async def list_tokens(principal: Principal = Depends(admit)) -> dict[str, Any]:
        return {"items": await parts.api_tokens.of(principal)}

    @router.post("/api-tokens", status_code=201)
    async def create_token(body: NewApiToken, once: Once = as_viewer) -> dict[str, Any]:
        return await once(lambda unit: api_tokens.create(unit, once.principal, body.name))

    @router.delete("/api-tokens/{token_id}")
    async def delete_token(token_id: str, once: Once = as_viewer) -> dict[str, Any]:
        return await once(lambda unit: api_tokens.delete(unit, once.principal, token_id))

    return router
