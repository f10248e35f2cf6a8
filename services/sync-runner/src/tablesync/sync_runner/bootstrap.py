"""The composition root: everything sync-runner is made of, put together once."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorDatabase
from tablesync.service_kit import dead_letter_routes, health, problems
from tablesync.service_kit.broker import Subscriptions
from tablesync.service_kit.http import new_client
from tablesync.service_kit.kafka import new_producer
from tablesync.service_kit.leases import Lease
from tablesync.service_kit.mongo import Document, connect, open_database
from tablesync.service_kit.relay import Relay
from tablesync.service_kit.roles import Role, repeat
from tablesync.service_kit.service import Service
from tablesync.service_kit.service_auth import ServiceAuth, Signer, Verifier
from tablesync.service_kit.unit_of_work import UnitsOfWork
from tablesync.sync_runner import routes, store
from tablesync.sync_runner.auth_client import AuthClient
from tablesync.sync_runner.budgets import Budgets
from tablesync.sync_runner.catalog import Catalog
from tablesync.sync_runner.connections import Connections
from tablesync.sync_runner.execution import Execution, Workshop
from tablesync.sync_runner.handlers import Handlers
from tablesync.sync_runner.progress import ProgressBoard
from tablesync.sync_runner.providers import Providers
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.settings import Settings, base_url
from tablesync.sync_runner.subscriptions import followings, subscriptions
from tablesync.sync_runner.workers import Workers

SERVICE = "sync-runner"
RECONCILE_SECONDS = 60.0
Tick = Callable[[], Awaitable[float]]


def build(settings: Settings) -> Service:
    """Put the service together; nothing is connected before it runs."""
    client = connect(settings.mongodb_uri)
    database = open_database(client, settings.database_name)
    units = UnitsOfWork(database, SERVICE)
    signer = Signer.from_file(SERVICE, settings.service_key_file)
    verifier = Verifier.from_file(SERVICE, settings.trusted_keys_file)
    auth_http = new_client(
        base_url(settings.auth_service_url), auth=ServiceAuth(signer, "auth-service")
    )
    auth = AuthClient(auth_http)
    connections = Connections(database, auth)
    providers = Providers.of(settings, Budgets(database))
    queue = store.RunQueue(database, settings.runner_lease_seconds)
    board = ProgressBoard(settings, SERVICE)
    workshop = Workshop(units, queue, connections, providers, board)

    async def execute(run: Run, lease: Lease, stop: asyncio.Event) -> None:
        await Execution(workshop, run, lease).execute(stop)

    workers = Workers(queue, execute, settings.runner_workers)
    consumer = Subscriptions(
        settings,
        SERVICE,
        units,
        subscriptions(Handlers(workers)),
        followings(connections),
    )
    relay = Relay(database, lambda: new_producer(settings), settings.kafka_topic_prefix)

    async def close() -> None:
        await providers.close()
        await auth_http.aclose()
        client.close()

    return Service(
        name=SERVICE,
        settings=settings,
        app=_app(database, Catalog(connections, providers), verifier, consumer),
        roles=(
            Role("consumer", consumer.run),
            Role("relay", relay.run),
            Role("ticker", lambda stop: repeat(_reconcile(connections), stop, "reconcile")),
            Role("worker", lambda stop: _work(workers, board, stop)),
        ),
        prepare=lambda: store.ensure_indexes(database),
        closers=(close,),
    )


async def _work(workers: Workers, board: ProgressBoard, stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(workers.run(stop))
        group.create_task(board.run(stop))


def _app(
    database: AsyncIOMotorDatabase[Document],
    catalog: Catalog,
    verifier: Verifier,
    consumer: Subscriptions,
) -> FastAPI:
    app = FastAPI(title="sync-runner", docs_url=None, redoc_url=None)
    problems.install(app)
    checks = {
        "mongodb": health.mongodb_answers(database),
        "consumer": health.is_set(consumer.started),
    }
    app.include_router(health.routes(checks))
    app.include_router(routes.public(database, catalog, verifier))
    app.include_router(routes.internal(database, catalog, verifier))
    app.include_router(dead_letter_routes.routes(consumer, database, verifier))
    return app


def _reconcile(connections: Connections) -> Tick:
    async def tick() -> float:
        await connections.reconcile()
        return RECONCILE_SECONDS

    return tick
