"""The composition root: everything the scheduler consists of, and how it hangs together."""

from functools import partial

from tablesync.scheduler import store as stored
from tablesync.scheduler.api import books, bulk, drafts, internal, lists, public, receipts
from tablesync.scheduler.api.commands import Commands
from tablesync.scheduler.api.queries import Queries
from tablesync.scheduler.api.validation import Validation
from tablesync.scheduler.clients.auth_service import AuthServiceClient
from tablesync.scheduler.clients.sync_runner import SyncRunnerClient
from tablesync.scheduler.domain.full_checks import FullChecks
from tablesync.scheduler.handlers import Handlers
from tablesync.scheduler.known_states import KnownStates
from tablesync.scheduler.loops.bulk_changes import BulkChanges
from tablesync.scheduler.loops.hold_jobs import HoldJobs
from tablesync.scheduler.loops.jitter import Jitter
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.scheduler.loops.reconciliation import Reconciliation
from tablesync.scheduler.loops.ticker import Ticker
from tablesync.scheduler.settings import NAME, Settings
from tablesync.scheduler.store import Store, bulk_changes, connections, syncs
from tablesync.scheduler.subscriptions import subscriptions
from tablesync.service_kit.mongo.changes import INSERTED, touching
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role, repeat
from tablesync.service_kit.service import Service


def build(
    settings: Settings,
    *,
    auth_service: AuthServiceClient | None = None,
    sync_runner: SyncRunnerClient | None = None,
) -> Service:
    """Build the service; `auth_service` and `sync_runner` are other clients of its peers."""
    resources = Resources.open(NAME, settings, database="scheduler")
    units, verifier, store = resources.units, resources.verifier, Store(resources.database)
    auth = auth_service or _auth_service(resources, settings)
    runner = sync_runner or _sync_runner(resources, settings)

    jitter = Jitter(settings.scheduler_catch_up_jitter_seconds)
    checks = FullChecks(
        settings.scheduler_check_every_days,
        settings.scheduler_check_from_hour,
        settings.scheduler_check_hours,
    )
    handlers = Handlers(store, jitter.moment)
    states = KnownStates(auth, units, store, handlers)
    queries, commands = (
        Queries(store),
        Commands(store, jitter.moment, settings.scheduler_syncs_per_workspace, checks),
    )
    validation = Validation(states, runner, settings.scheduler_min_interval_seconds)
    ticker = Ticker(units, store, checks)
    jobs = HoldJobs(units, store, jitter)
    many = BulkChanges(units, store, checks)
    rechecks = Rechecks(units, store, runner, jitter.moment)
    reconciliation = Reconciliation(units, store, states, runner, handlers, jitter.moment)
    wakes = resources.changes.wakes
    planned = wakes(syncs.COLLECTION, syncs.BRINGS_FORWARD)
    recheck = wakes(syncs.COLLECTION, touching("recheck_at"))
    state = wakes(connections.COLLECTION)
    asked = wakes(bulk_changes.COLLECTION, INSERTED)
    return Service(
        resources,
        routers=[
            lists.routes(store, queries, verifier),
            books.routes(
                store, queries, validation, verifier, kept_days=settings.scheduler_keep_runs_days
            ),
            bulk.routes(units, store, verifier),
            drafts.routes(units, store.drafts, verifier),
            receipts.routes(store, queries, verifier),
            public.sync_routes(units, commands, validation, queries, verifier),
            public.run_routes(units, commands, verifier),
            public.history_routes(store, queries, verifier),
            internal.routes(queries, verifier),
        ],
        subscriptions=subscriptions(handlers),
        publishes=True,
        roles=[
            Role("ticker", partial(repeat, ticker.tick, name="ticker", woken=planned)),
            Role("worker", partial(repeat, jobs.tick, name="hold jobs", woken=state)),
            Role("worker", partial(repeat, many.tick, name="bulk changes", woken=asked)),
            Role("worker", partial(repeat, rechecks.tick, name="rechecks", woken=recheck)),
            Role("worker", reconciliation.run),
        ],
        indexes=stored.INDEXES,
        prepare=[store.lists.complete],
        expiries=stored.expiries(
            runs_days=settings.scheduler_keep_runs_days,
            gaps_days=settings.scheduler_keep_gaps_days,
        ),
    )


def _auth_service(resources: Resources, settings: Settings) -> AuthServiceClient:
    return AuthServiceClient(resources.peer(settings.auth_service_url, "auth-service"))


def _sync_runner(resources: Resources, settings: Settings) -> SyncRunnerClient:
    return SyncRunnerClient(resources.peer(settings.sync_runner_url, "sync-runner"))
