"""The notifier's composition root."""

from collections.abc import Mapping

from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorDatabase
from tablesync.notifier import connection_incidents, store, sync_incidents
from tablesync.notifier.delivery import Mailer
from tablesync.notifier.failures import FailureWriter, SyncRecoveryWriter
from tablesync.notifier.handlers import Handlers
from tablesync.notifier.incidents import Incidents
from tablesync.notifier.letters import Writer
from tablesync.notifier.mails import MailKind
from tablesync.notifier.messages import Messages
from tablesync.notifier.pages import pages
from tablesync.notifier.peers import AuthService, Scheduler
from tablesync.notifier.preferences import Preferences
from tablesync.notifier.reconcile import Reconciler
from tablesync.notifier.recovery import RecoveryWriter
from tablesync.notifier.rendering import Templates
from tablesync.notifier.revocation import RevocationWriter
from tablesync.notifier.routes import routes
from tablesync.notifier.settings import Settings
from tablesync.notifier.subscriptions import subscriptions
from tablesync.notifier.unsubscribe import UnsubscribeTokens
from tablesync.notifier.worker import Worker
from tablesync.service_kit import dead_letter_routes, health, http, mongo, problems
from tablesync.service_kit.broker import Subscriptions
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.roles import Role, repeat
from tablesync.service_kit.service import Service
from tablesync.service_kit.service_auth import ServiceAuth, Signer, Verifier
from tablesync.service_kit.unit_of_work import UnitsOfWork

NAME = "notifier"
# A peer that takes longer is asked again later: the mail job must stay within its lease.
PEER_SECONDS = 8.0

Writers = Mapping[tuple[str, MailKind], Writer]


def build(settings: Settings) -> Service:
    """Wire the service: API, consumers, mail workers and the reconciler."""
    client = mongo.connect(settings.mongodb_uri)
    database = mongo.open_database(client, f"{settings.mongodb_database_prefix}notifier")
    units = UnitsOfWork(database, NAME)
    signer = Signer.from_file(NAME, settings.service_key_file)
    auth_http = http.new_client(
        str(settings.auth_service_url),
        auth=ServiceAuth(signer, "auth-service"),
        total_seconds=PEER_SECONDS,
    )
    scheduler_http = http.new_client(
        str(settings.scheduler_url),
        auth=ServiceAuth(signer, "scheduler"),
        total_seconds=PEER_SECONDS,
    )
    auth, scheduler = AuthService(auth_http), Scheduler(scheduler_http)
    templates = Templates()
    tokens = UnsubscribeTokens.from_files(settings.service_key_file, settings.trusted_keys_file)
    consumers = Subscriptions(
        settings, NAME, units, subscriptions(Handlers(settings.notifier_digest_window_seconds))
    )
    worker = Worker(
        database,
        units,
        _writers(database, auth, scheduler, settings),
        Messages(templates, tokens, settings),
        Mailer(settings),
        settings,
    )
    reconciler = Reconciler(database, units, auth, settings.notifier_reconcile_seconds)

    app = FastAPI(title="TableSync notifier", docs_url=None, redoc_url=None)
    problems.install(app)
    verifier = Verifier.from_file(NAME, settings.trusted_keys_file)
    app.include_router(routes(Incidents(database), Preferences(database), units, verifier))
    app.include_router(pages(tokens, templates, units))
    app.include_router(dead_letter_routes.routes(consumers, database, verifier))

    async def prepare() -> None:
        await store.ensure_indexes(database)

    async def close_mongo() -> None:
        client.close()

    service = Service(
        NAME,
        settings,
        app,
        roles=[
            Role("consumer", consumers.run),
            Role("worker", worker.run),
            Role("ticker", lambda stop: repeat(reconciler.tick, stop, "reconcile")),
        ],
        prepare=prepare,
        closers=[auth_http.aclose, scheduler_http.aclose, close_mongo],
    )
    app.include_router(
        health.routes(
            {
                "mongodb": health.mongodb_answers(database),
                "prepared": health.is_set(service.prepared),
            }
        )
    )
    return service


def _writers(
    database: AsyncIOMotorDatabase[Document],
    auth: AuthService,
    scheduler: Scheduler,
    settings: Settings,
) -> Writers:
    """Say who writes which mail."""
    revocation = RevocationWriter(auth, scheduler, settings)
    connection, sync = connection_incidents.KIND, sync_incidents.KIND
    return {
        (connection, MailKind.REVOCATION): revocation,
        (connection, MailKind.REMINDER): revocation,
        (connection, MailKind.RECOVERY): RecoveryWriter(database, scheduler, settings),
        (sync, MailKind.FAILURE): FailureWriter(database, auth, scheduler, settings),
        (sync, MailKind.RECOVERY): SyncRecoveryWriter(database, scheduler),
    }
