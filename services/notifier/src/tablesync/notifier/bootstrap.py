"""The notifier's composition root."""

from collections.abc import Mapping
from functools import partial

import httpx
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
from tablesync.notifier.settings import NAME, Settings
from tablesync.notifier.subscriptions import subscriptions
from tablesync.notifier.unsubscribe import UnsubscribeTokens
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role, repeat
from tablesync.service_kit.service import Service

# A peer that takes longer is asked again later: the mail job must stay within its lease.
PEER_SECONDS = 8.0

Writers = Mapping[tuple[str, MailKind], Writer]


def build(
    settings: Settings,
    *,
    auth_service: httpx.AsyncClient | None = None,
    scheduler: httpx.AsyncClient | None = None,
) -> Service:
    """Build the service; `auth_service` and `scheduler` are other clients of its peers."""
    resources = Resources.open(NAME, settings, database="notifier")
    database, units = resources.database, resources.units
    peer = partial(resources.peer, total_seconds=PEER_SECONDS)
    auth = AuthServiceClient(auth_service or peer(settings.auth_service_url, "auth-service"))
    syncs = SchedulerClient(scheduler or peer(settings.scheduler_url, "scheduler"))

    tokens = UnsubscribeTokens.from_files(settings.service_key_file, settings.trusted_keys_file)
    templates = Templates()
    messages = Messages(templates, tokens, settings)
    writers = _writers(database, auth, syncs, settings)
    worker = Worker(database, units, writers, messages, Mailer(settings), settings)
    reconciler = Reconciliation(database, units, auth, settings.notifier_reconcile_seconds)
    return Service(
        resources,
        routers=[
            routes(Incidents(database), Preferences(database), units, resources.verifier),
            pages(tokens, templates, units),
        ],
        subscriptions=subscriptions(Handlers(settings.notifier_digest_window_seconds)),
        roles=[
            Role("worker", worker.run),
            Role("ticker", partial(repeat, reconciler.tick, name="reconcile")),
        ],
        indexes=store.INDEXES,
    )


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
