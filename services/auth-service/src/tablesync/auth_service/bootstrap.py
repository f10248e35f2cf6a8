"""auth-service's composition root."""

from functools import partial

import httpx
import structlog
from fastapi import Request
from fastapi.responses import JSONResponse
from tablesync.auth_service import store
from tablesync.auth_service.api.routers import routers
from tablesync.auth_service.errors import UnreadableGrantError
from tablesync.auth_service.identity import first_workspace
from tablesync.auth_service.parts import wire
from tablesync.auth_service.providers.airtable import Airtable
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.providers.hubspot import HubSpot
from tablesync.auth_service.settings import NAME, Settings
from tablesync.contracts import Provider
from tablesync.service_kit.http import problems
from tablesync.service_kit.http.client import new_client, new_transport
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role
from tablesync.service_kit.service import Service

log = structlog.get_logger()

Providers = dict[Provider, OAuthProvider]


def build(
    settings: Settings,
    *,
    scheduler: httpx.AsyncClient | None = None,
    providers: Providers | None = None,
) -> Service:
    """Wire the service: API, relay and ticker. Call it inside an event loop."""
    resources = Resources.open(NAME, settings, database="auth")
    http = resources.kept(new_client())
    scheduler = scheduler or resources.peer(settings.scheduler_url, "scheduler")
    providers = providers or _providers(settings, resources, http)
    parts = wire(settings, resources, providers, http, scheduler)
    service = Service(
        resources,
        routers=routers(parts),
        publishes=True,
        roles=[Role("ticker", parts.ticker.run)],
        indexes=store.INDEXES,
        prepare=[partial(_apply_bootstrap_file, settings, resources.units)],
        # Refreshes under way end first: their tokens would be lost.
        drains=[parts.auth_failures.drain, parts.access_tokens.drain, parts.disconnecting.drain],
    )
    service.app.add_exception_handler(UnreadableGrantError, _on_unreadable_grant)
    return service


def _providers(settings: Settings, resources: Resources, http: httpx.AsyncClient) -> Providers:
    transport = resources.kept(new_transport())
    hubspot, airtable = HubSpot(settings, transport), Airtable(settings, transport, http)
    return {hubspot.name: hubspot, airtable.name: airtable}


async def _apply_bootstrap_file(settings: Settings, units: UnitsOfWork) -> None:
    if settings.auth_bootstrap_file is not None:
        await first_workspace.apply(units, first_workspace.read(settings.auth_bootstrap_file))


async def _on_unreadable_grant(request: Request, error: Exception) -> JSONResponse:
    """Alarm us: a row was moved or a key is missing; neither is a revocation."""
    connection_id = request.path_params.get("connection_id")
    log.error("grant unreadable", connection_id=connection_id, reason=str(error))
    detail = "The stored grant cannot be read; this is our fault, and nothing was given up."
    return problems.Problem(500, "grant-unreadable", detail).response()
