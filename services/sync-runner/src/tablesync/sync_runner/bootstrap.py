"""The composition root: everything sync-runner is made of, put together once."""

from functools import partial

from fastapi import FastAPI
from tablesync.service_kit.http import dead_letter_routes, health, problems
from tablesync.service_kit.http.client import new_client
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer, Verifier
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.messaging.kafka import new_producer
from tablesync.service_kit.messaging.relay import Publishing, Relay
from tablesync.service_kit.mongo import Database, connect, open_database
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.roles import Role, repeat
from tablesync.service_kit.service import Service
from tablesync.sync_runner import store
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.access.connections import Connections
from tablesync.sync_runner.api import internal, public
from tablesync.sync_runner.api.catalog import Catalog
from tablesync.sync_runner.clients.auth_service import AuthServiceClient
from tablesync.sync_runner.execution.context import RunContext
from tablesync.sync_runner.execution.progress_board import ProgressBoard
from tablesync.sync_runner.execution.supervisor import execute
from tablesync.sync_runner.execution.workers import Workers
from tablesync.sync_runner.handlers import Handlers
from tablesync.sync_runner.providers import Providers
from tablesync.sync_runner.settings import Settings, base_url
from tablesync.sync_runner.subscriptions import followings, subscriptions

SERVICE = "sync-runner"
RECONCILE_SECONDS = 60.0


def build(settings: Settings) -> Service:
    """Put the service together; nothing is connected before it runs."""
    client = connect(settings.mongodb_uri)
    database = open_database(client, settings.database_name)
    units = UnitsOfWork(database, SERVICE)
    signer = Signer.from_file(SERVICE, settings.service_key_file)
    auth_http = new_client(
        base_url(settings.auth_service_url), auth=ServiceAuth(signer, "auth-service")
    )
    connections = Connections(database, AuthServiceClient(auth_http))
    providers = Providers.of(settings, Budgets(database))
    queue = store.RunQueue(database, settings.runner_lease_seconds)
    board = ProgressBoard(settings, SERVICE)
    context = RunContext(units, queue, connections, providers, board)
    workers = Workers(queue, partial(execute, context), settings.runner_workers)
    consumer = Subscriptions(
        settings, SERVICE, units, subscriptions(Handlers(workers)), followings(connections)
    )
    relay = Relay(database, partial(new_producer, settings), settings.kafka_topic_prefix)
    publishing = Publishing(settings, SERVICE, relay)

    async def close() -> None:
        await providers.close()
        await auth_http.aclose()
        client.close()

    service = Service(
        name=SERVICE,
        settings=settings,
        app=FastAPI(title="TableSync sync-runner", docs_url=None, redoc_url=None),
        roles=[
            Role("consumer", consumer.run),
            Role("relay", publishing.run),
            Role("ticker", partial(repeat, partial(_reconcile, connections), name="reconcile")),
            Role("worker", workers.run),
            Role("worker", board.run),
        ],
        prepare=partial(store.ensure_indexes, database),
        closers=[close],
    )
    catalog = Catalog(connections, providers)
    _add_routes(service, database, catalog, settings, consumer, publishing)
    return service


def _add_routes(
    service: Service,
    database: Database,
    catalog: Catalog,
    settings: Settings,
    consumer: Subscriptions,
    publishing: Publishing,
) -> None:
    verifier = Verifier.from_file(SERVICE, settings.trusted_keys_file)
    checks = {
        "mongodb": health.mongodb_answers(database),
        "prepared": health.is_set(service.prepared),
        "consumer": service.once_started("consumer", consumer.started),
        "relay": service.once_started("relay", publishing.started),
    }
    problems.install(service.app)
    service.app.include_router(health.routes(checks))
    service.app.include_router(public.routes(database, catalog, verifier))
    service.app.include_router(internal.routes(database, catalog, verifier))
    service.app.include_router(dead_letter_routes.routes(consumer, database, verifier))


async def _reconcile(connections: Connections) -> float:
    await connections.reconcile()
    return RECONCILE_SECONDS
