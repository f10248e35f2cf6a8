"""auth-service's composition root."""

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from tablesync.auth_service import store
from tablesync.auth_service.api.routers import routers
from tablesync.auth_service.errors import UnreadableGrantError
from tablesync.auth_service.identity import first_workspace
from tablesync.auth_service.parts import NAME, wire
from tablesync.auth_service.providers.airtable import Airtable
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.providers.hubspot import HubSpot
from tablesync.auth_service.settings import Settings
from tablesync.contracts import Provider
from tablesync.service_kit import mongo
from tablesync.service_kit.http import dead_letter_routes, health, problems
from tablesync.service_kit.http.client import new_client, new_transport
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.kafka import new_producer
from tablesync.service_kit.messaging.relay import Publishing, Relay
from tablesync.service_kit.roles import Role
from tablesync.service_kit.service import Service

log = structlog.get_logger()


def build(settings: Settings, *, providers: dict[Provider, OAuthProvider] | None = None) -> Service:
    """Wire the service: API, relay and ticker. Call it inside an event loop."""
    client = mongo.connect(settings.mongodb_uri)
    database = mongo.open_database(client, f"{settings.mongodb_database_prefix}auth")
    signer = Signer.from_file(NAME, settings.service_key_file)
    transport, http = new_transport(), new_client()
    scheduler = new_client(settings.scheduler_url, auth=ServiceAuth(signer, "scheduler"))
    if providers is None:
        hubspot = HubSpot(settings, transport)
        airtable = Airtable(settings, transport, http)
        providers = {hubspot.name: hubspot, airtable.name: airtable}
    parts = wire(settings, database, signer, providers, http, scheduler)
    relay = Relay(database, lambda: new_producer(settings), settings.kafka_topic_prefix)
    publishing = Publishing(settings, NAME, relay)
    # auth-service consumes nothing, so its list of dead letters is empty.
    consumers = Subscriptions(settings, NAME, parts.units)

    app = FastAPI(title="TableSync auth-service", docs_url=None, redoc_url=None)
    problems.install(app)
    app.add_exception_handler(UnreadableGrantError, _on_unreadable_grant)
    dead_letters = dead_letter_routes.routes(consumers, database, parts.verifier)
    for router in (*routers(parts), dead_letters):
        app.include_router(router)

    async def prepare() -> None:
        await store.ensure_indexes(database)
        if settings.auth_bootstrap_file is not None:
            content = first_workspace.read(settings.auth_bootstrap_file)
            await first_workspace.apply(parts.units, content)

    async def close() -> None:
        """Let refreshes under way end first: their tokens would be lost."""
        await parts.auth_failures.drain()
        await parts.access_tokens.drain()
        await parts.disconnecting.drain()
        for each in (http, scheduler, transport):
            await each.aclose()
        client.close()

    service = Service(
        NAME,
        settings,
        app,
        roles=[Role("relay", publishing.run), Role("ticker", parts.ticker.run)],
        prepare=prepare,
        closers=[close],
    )
    checks = {
        "mongodb": health.mongodb_answers(database),
        "prepared": health.is_set(service.prepared),
        "relay": service.once_started("relay", publishing.started),
    }
    app.include_router(health.routes(checks))
    return service


async def _on_unreadable_grant(request: Request, error: Exception) -> JSONResponse:
    """Alarm us: a row was moved or a key is missing; neither is a revocation."""
    connection_id = request.path_params.get("connection_id")
    log.error("grant unreadable", connection_id=connection_id, reason=str(error))
    detail = "The stored grant cannot be read; this is our fault, and nothing was given up."
    return problems.Problem(500, "grant-unreadable", detail).response()
