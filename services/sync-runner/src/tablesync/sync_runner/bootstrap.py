"""The composition root: everything sync-runner is made of, put together once."""

from functools import partial

import httpx
from tablesync.service_kit.resources import Resources
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
from tablesync.sync_runner.settings import DATABASE, NAME, Settings
from tablesync.sync_runner.subscriptions import followings, subscriptions

RECONCILE_SECONDS = 60.0


def build(
    settings: Settings,
    *,
    auth_service: httpx.AsyncClient | None = None,
    providers: Providers | None = None,
) -> Service:
    """Build the service; `auth_service` and `providers` are what it asks instead of the real."""
    resources = Resources.open(NAME, settings, database=DATABASE)
    database, verifier = resources.database, resources.verifier
    auth = auth_service or resources.peer(settings.auth_service_url, "auth-service")
    providers = providers or resources.kept(Providers.of(settings, Budgets(database)))

    connections = Connections(database, AuthServiceClient(auth))
    catalog = Catalog(connections, providers)
    queue = store.RunQueue(database, settings.runner_lease_seconds)
    board = ProgressBoard(settings, NAME)
    context = RunContext(resources.units, queue, connections, providers, board)
    workers = Workers(queue, partial(execute, context), settings.runner_workers)
    return Service(
        resources,
        routers=[
            public.routes(database, catalog, verifier),
            internal.routes(database, catalog, verifier),
        ],
        subscriptions=subscriptions(Handlers(workers)),
        followings=followings(connections),
        publishes=True,
        roles=[
            Role("ticker", partial(repeat, partial(_reconcile, connections), name="reconcile")),
            Role("worker", workers.run),
            Role("worker", board.run),
        ],
        indexes=store.INDEXES,
    )


async def _reconcile(connections: Connections) -> float:
    await connections.reconcile()
    return RECONCILE_SECONDS
