"""`/v1`: connections, and attempts to connect."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from tablesync.auth_service.api.views import authorization_view, connection_view
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.consent.authorizations import Authorization
from tablesync.auth_service.parts import Parts
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.settings import Settings
from tablesync.contracts import Provider
from tablesync.service_kit.http import idempotency
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.problems import invalid
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, at_least
from tablesync.service_kit.mongo import database_now
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.service_kit.text import Text


class NewAuthorization(BaseModel):
    """A wish to connect a provider, or to reconnect one connection."""

    model_config = ConfigDict(extra="forbid")

    provider: Text
    connection_id: Text | None = None


def routes(parts: Parts) -> APIRouter:
    """Make the router."""
    connections, units, verifier = parts.connections, parts.units, parts.verifier
    router = APIRouter(prefix="/v1")
    viewer = Depends(at_least(verifier, OperatorRole.VIEWER))
    as_operator = idempotency.dependency(units, at_least(verifier, OperatorRole.OPERATOR))

    @router.get("/connections", tags=["connections"])
    async def list_connections(principal: Principal = viewer) -> dict[str, Any]:
        found = await connections.of_workspace(principal.workspace_id)
        return {"items": [connection_view(each) for each in found]}

    @router.get("/connections/{connection_id}", tags=["connections"])
    async def show_connection(connection_id: str, principal: Principal = viewer) -> dict[str, Any]:
        return connection_view(await connections.get(principal.workspace_id, connection_id))

    @router.post("/connections/{connection_id}/disconnect", tags=["connections"])
    async def disconnect_connection(connection_id: str, once: Once = as_operator) -> dict[str, Any]:
        disconnection = parts.disconnecting.begin(once.principal, connection_id)

        async def work(unit: UnitOfWork) -> dict[str, Any]:
            return connection_view(await disconnection.work(unit))

        view = await once(work)
        disconnection.end_upstream()
        return view

    @router.post("/authorizations", status_code=201, tags=["authorizations"])
    async def authorize(body: NewAuthorization, once: Once = as_operator) -> dict[str, Any]:
        provider = parse_provider(body.provider, parts.providers)

        async def work(unit: UnitOfWork) -> dict[str, Any]:
            target = await _target(connections, unit, once.principal, provider, body.connection_id)
            attempt = await parts.authorizations.create(
                unit, once.principal.workspace_id, once.principal.operator_id, provider, target
            )
            return {"id": attempt.id, "start_url": start_url(parts.settings, attempt)}

        return await once(work)

    @router.get("/authorizations/{authorization_id}", tags=["authorizations"])
    async def show_authorization(
        authorization_id: str, principal: Principal = viewer
    ) -> dict[str, Any]:
        attempt = await parts.authorizations.get(principal.workspace_id, authorization_id)
        return authorization_view(attempt, await database_now(units.database))

    return router


def start_url(settings: Settings, attempt: Authorization) -> str:
    """Return what the popup opens."""
    return f"{settings.auth_public_url}/oauth/{attempt.provider}/start?authorization={attempt.id}"


def parse_provider(name: str, providers: dict[Provider, OAuthProvider]) -> Provider:
    """Read a provider's name; raises Problem 422 that lists those there are."""
    known = {provider.value: provider for provider in providers}
    if name not in known:
        raise invalid("provider", "is not a known provider", f"Use one of: {', '.join(known)}.")
    return known[name]


async def _target(
    connections: Connections,
    unit: UnitOfWork,
    principal: Principal,
    provider: Provider,
    connection_id: str | None,
) -> Connection | None:
    if connection_id is None:
        return None
    target = await connections.get(principal.workspace_id, connection_id, unit.session)
    if target.provider is not provider:
        raise invalid(
            "provider",
            f"this connection is one to {target.provider}",
            "Name the connection's own provider.",
        )
    return target
