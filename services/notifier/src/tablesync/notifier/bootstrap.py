"""The notifier's composition root."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI
from tablesync.notifier import store
from tablesync.notifier.api.public import routes
from tablesync.notifier.api.unsubscribe_page import pages
from tablesync.notifier.clients.auth_service import AuthServiceClient
from tablesync.notifier.clients.scheduler import SchedulerClient
from tablesync.notifier.handlers import Handlers
from tablesync.notifier.incidents import connection_incidents, sync_incidents
from tablesync.notifier.incidents.incidents import Incidents
from tablesync.notifier.incidents.reconciliation import Reconciliation
from tablesync.notifier.mail.content import Writer
from tablesync.notifier.mail.mime import Messages
from tablesync.notifier.mail.plan import MailKind
from tablesync.notifier.mail.recovery import RecoveryWriter
from tablesync.notifier.mail.rendering import Templates
from tablesync.notifier.mail.revocation import RevocationWriter
from tablesync.notifier.mail.smtp import Mailer
from tablesync.notifier.mail.sync_failure import FailureWriter, SyncRecoveryWriter
from tablesync.notifier.mail.worker import Worker
from tablesync.notifier.preferences import Preferences
from tablesync.notifier.settings import Settings
from tablesync.notifier.subscriptions import subscriptions
from tablesync.notifier.unsubscribe import UnsubscribeTokens
from tablesync.service_kit import mongo
from tablesync.service_kit.http import client as http_client
from tablesync.service_kit.http import dead_letter_routes, health, problems
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer, Verifier
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.roles import Role, repeat
from tablesync.service_kit.service import Service

NAME = "notifier"
# A peer that takes longer is asked again later: the mail job must stay within its lease.
PEER_SECONDS = 8.0

Writers = Mapping[tuple[str, MailKind], Writer]


def build(settings: Settings, **overrides: Any) -> Service:
    """Build the service; `overrides` replace `auth_service` and `scheduler`, its HTTP clients."""
    client = mongo.connect(settings.mongodb_uri)
    database = mongo.open_database(client, f"{settings.mongodb_database_prefix}notifier")
    units = UnitsOfWork(database, NAME)
    signer = Signer.from_file(NAME, settings.service_key_file)
    verifier = Verifier.from_file(NAME, settings.trusted_keys_file)
    tokens = UnsubscribeTokens.from_files(settings.service_key_file, settings.trusted_keys_file)
    auth_http = overrides.get("auth_service") or _client(
        settings.auth_service_url, signer, "auth-service"
    )
    scheduler_http = overrides.get("scheduler") or _client(
        settings.scheduler_url, signer, "scheduler"
    )
    auth, scheduler, templates = (
        AuthServiceClient(auth_http),
        SchedulerClient(scheduler_http),
        Templates(),
    )

    handlers = Handlers(settings.notifier_digest_window_seconds)
    consuming = Subscriptions(settings, NAME, units, subscriptions(handlers))
    messages = Messages(templates, tokens, settings)
    writers = _writers(database, auth, scheduler, settings)
    worker = Worker(database, units, writers, messages, Mailer(settings), settings)
    reconciler = Reconciliation(database, units, auth, settings.notifier_reconcile_seconds)

    async def close() -> None:
        await auth_http.aclose()
        await scheduler_http.aclose()
        client.close()

    service = Service(
        NAME,
        settings,
        FastAPI(title="TableSync notifier", docs_url=None, redoc_url=None),
        roles=[
            Role("consumer", consuming.run),
            Role("worker", worker.run),
            Role("ticker", partial(repeat, reconciler.tick, name="reconcile")),
        ],
        prepare=partial(store.ensure_indexes, database),
        closers=[close],
    )
    checks = {
        "mongodb": health.mongodb_answers(database),
        "prepared": health.is_set(service.prepared),
        "consumer": service.once_started("consumer", consuming.started),
    }
    problems.install(service.app)
    for router in (
        routes(Incidents(database), Preferences(database), units, verifier),
        pages(tokens, templates, units),
        dead_letter_routes.routes(consuming, database, verifier),
        health.routes(checks),
    ):
        service.app.include_router(router)
    return service


def _client(url: object, signer: Signer, audience: str) -> httpx.AsyncClient:
    auth = ServiceAuth(signer, audience)
    return http_client.new_client(str(url), auth=auth, total_seconds=PEER_SECONDS)


def _writers(
    database: Database,
    auth: AuthServiceClient,
    scheduler: SchedulerClient,
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
