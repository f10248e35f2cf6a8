"""The composition root: everything sync-runner is made of, put together once."""

from collections.abc import Mapping
from functools import partial

from tablesync.contracts import Provider
from tablesync.service_kit.http.client import MEGABYTE
from tablesync.service_kit.http.peer import ChangedStates
from tablesync.service_kit.mongo.changes import INSERTED, touching
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role, repeat
from tablesync.service_kit.service import Service
from tablesync.sync_runner import store
from tablesync.sync_runner.access.budgets import INDEXES, Budgets
from tablesync.sync_runner.access.connections import Connections
from tablesync.sync_runner.access.grants import AuthService
from tablesync.sync_runner.access.reconciliation import Reconciliation
from tablesync.sync_runner.airtable.provider import Airtable
from tablesync.sync_runner.api import inquiries, internal, public
from tablesync.sync_runner.api.catalog import Catalog
from tablesync.sync_runner.api.new_tables import NewTables
from tablesync.sync_runner.clients.auth_service import AuthServiceClient
from tablesync.sync_runner.execution.context import RunContext
from tablesync.sync_runner.execution.progress_board import ProgressBoard
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.execution.supervisor import execute
from tablesync.sync_runner.execution.workers import Workers
from tablesync.sync_runner.handlers import Handlers
from tablesync.sync_runner.inquiries.dry_run_worker import DryRunWorker
from tablesync.sync_runner.inquiries.dry_runs import DryRuns
from tablesync.sync_runner.inquiries.explanations import Explanations
from tablesync.sync_runner.inquiries.inquiry import Inquiries
from tablesync.sync_runner.inquiries.new_dry_runs import NewDryRuns
from tablesync.sync_runner.inquiries.reach import Reach
from tablesync.sync_runner.inquiries.trials import Trials
from tablesync.sync_runner.pipeline.forgetting import Forgetting
from tablesync.sync_runner.pipeline.rejections import Rejections
from tablesync.sync_runner.settings import DATABASE, NAME, Settings
from tablesync.sync_runner.sources import SOURCES, Sources, StartProvider
from tablesync.sync_runner.subscriptions import followings, subscriptions

# A dry run is no run, but nobody waits for its answer either.
DRY_RUN_RETRY_SECONDS = 120.0


def build(
    settings: Settings,
    *,
    auth_service: AuthService | None = None,
    known_sources: Mapping[Provider, StartProvider] = SOURCES,
) -> Service:
    """Build the service; `auth_service` and `known_sources` stand in for the real ones."""
    resources = Resources.open(NAME, settings, database=DATABASE)
    database, verifier = resources.database, resources.verifier
    auth = auth_service or AuthServiceClient(
        resources.peer(settings.auth_service_url, AuthServiceClient.name)
    )
    budgets = Budgets(database)
    runs, deleted = store.Runs(database), store.DeletedSyncs(database)
    sources = resources.kept(Sources(settings, budgets, known_sources))
    airtable = resources.kept(Airtable(settings, budgets))

    connections = Connections(database, auth, settings.runner_access_wait_seconds)
    reconciliation = Reconciliation(connections, ChangedStates(auth.connection_states, database))
    patience = settings.runner_catalog_retry_seconds
    reach = Reach(connections.gates, reconciliation, sources, airtable, patience)
    catalog, asked = Catalog(reach), Inquiries(reach)
    queue = RunQueue(database, settings.runner_lease_seconds, settings.runner_request_seconds)
    board = ProgressBoard(settings, NAME)
    context = RunContext(
        resources.units,
        queue,
        connections,
        sources,
        airtable,
        board,
        writes_in_flight=settings.runner_writes_in_flight,
        page_bytes=round(settings.runner_page_megabytes * MEGABYTE),
        answer_bytes=round(settings.runner_answer_megabytes * MEGABYTE),
    )
    claimable = resources.changes.wakes(store.RUNS, touching("status"))
    workers = Workers(queue, partial(execute, context), settings.runner_workers, claimable)
    dry_runs, dry_run_added = DryRuns(database), resources.changes.wakes(store.DRY_RUNS, INSERTED)
    patient = Inquiries(
        Reach(connections.gates, reconciliation, sources, airtable, DRY_RUN_RETRY_SECONDS)
    )
    counting = DryRunWorker(dry_runs, patient, resources.units, context.page_bytes, dry_run_added)
    gone = resources.changes.wakes(store.DELETED_SYNCS, INSERTED)
    forgetting = Forgetting(resources.units, runs, deleted)
    handlers = Handlers(runs, deleted, connections)
    return Service(
        resources,
        routers=[
            public.routes(
                resources.units, runs, Rejections(database), catalog, NewTables(reach), verifier
            ),
            inquiries.routes(
                resources.units,
                Trials(asked),
                Explanations(asked, database),
                NewDryRuns(asked, dry_runs, database),
                verifier,
            ),
            internal.routes(runs, catalog, verifier),
        ],
        subscriptions=subscriptions(handlers),
        followings=followings(handlers),
        publishes=True,
        roles=[
            Role("ticker", partial(repeat, reconciliation.tick, name="reconciliation")),
            Role("ticker", partial(repeat, forgetting.tick, name="forgetting", woken=gone)),
            Role("worker", workers.run),
            Role("worker", board.run),
            Role("worker", counting.run),
        ],
        indexes={**store.INDEXES, **INDEXES},
        expiries=store.expiries(
            runs_days=settings.runner_keep_runs_days,
            rejections_days=settings.runner_keep_rejections_days,
            dry_runs_days=settings.runner_keep_dry_runs_days,
        ),
        prepare=[budgets.date_old_rows],
    )
