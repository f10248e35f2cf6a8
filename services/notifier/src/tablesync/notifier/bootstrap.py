"""The notifier's composition root."""

from functools import partial

from tablesync.contracts.public_api.incidents import MailKind
from tablesync.notifier.api.public import routes
from tablesync.notifier.api.unsubscribe_page import pages
from tablesync.notifier.clients.auth_service import AuthServiceClient
from tablesync.notifier.clients.scheduler import SchedulerClient
from tablesync.notifier.handlers import Handlers
from tablesync.notifier.incidents.incidents import Incidents
from tablesync.notifier.incidents.reconciliation import Reconciliation
from tablesync.notifier.incidents.retention import MailRetention
from tablesync.notifier.mail.invitation import InvitationWriter
from tablesync.notifier.mail.mime import Messages
from tablesync.notifier.mail.plan import MailSubject
from tablesync.notifier.mail.recovery import RecoveryWriter
from tablesync.notifier.mail.rendering import Templates
from tablesync.notifier.mail.revocation import RevocationWriter
from tablesync.notifier.mail.smtp import Mailer
from tablesync.notifier.mail.sync_failure import FailureWriter, SyncRecoveryWriter
from tablesync.notifier.mail.worker import Worker, Writers
from tablesync.notifier.preferences import Preferences
from tablesync.notifier.previews import Previews
from tablesync.notifier.settings import NAME, Settings
from tablesync.notifier.store import INDEXES, Store, expiries
from tablesync.notifier.subscriptions import subscriptions
from tablesync.notifier.unsubscribe import UnsubscribeTokens
from tablesync.service_kit.http.peer import ChangedStates
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role, repeat
from tablesync.service_kit.service import Service

# A peer that takes longer is asked again later: the mail job must stay within its lease.
PEER_SECONDS = 8.0


def build(
    settings: Settings,
    *,
    auth_service: AuthServiceClient | None = None,
    scheduler: SchedulerClient | None = None,
) -> Service:
    """Build the service; `auth_service` and `scheduler` are other clients of its peers."""
    resources = Resources.open(NAME, settings, database="notifier")
    store, units = Store(resources.database), resources.units
    peer = partial(resources.peer, total_seconds=PEER_SECONDS)
    auth = auth_service or AuthServiceClient(peer(settings.auth_service_url, "auth-service"))
    syncs = scheduler or SchedulerClient(peer(settings.scheduler_url, "scheduler"))

    preferences = Preferences(resources.database)
    tokens = UnsubscribeTokens.from_files(settings.service_key_file, settings.trusted_keys_file)
    templates = Templates()
    messages = Messages(templates, tokens, settings)
    writers = _writers(store, auth, syncs, settings)
    previews = Previews(resources.database, writers, messages)
    worker = Worker(
        store, units, writers, messages, Mailer(settings), settings, changes=resources.changes
    )
    states = ChangedStates(auth.connection_states, resources.database)
    every_seconds = settings.notifier_reconcile_seconds
    reconciliation = Reconciliation(store, units, states, every_seconds)
    retention = MailRetention(resources.database, settings.notifier_keep_incidents_days)
    return Service(
        resources,
        routers=[
            routes(Incidents(store), previews, preferences, units, resources),
            pages(tokens, preferences, templates, units),
        ],
        subscriptions=subscriptions(Handlers(store, settings.notifier_digest_window_seconds)),
        roles=[
            Role("worker", worker.run),
            Role("ticker", partial(repeat, reconciliation.tick, name="reconcile")),
            Role("ticker", partial(repeat, retention.tick, name="mail retention")),
        ],
        indexes=INDEXES,
        expiries=expiries(
            incidents_days=settings.notifier_keep_incidents_days,
            news_days=settings.keep_inbox_days,
        ),
    )


def _writers(
    store: Store, auth: AuthServiceClient, scheduler: SchedulerClient, settings: Settings
) -> Writers:
    """Say who writes which mail."""
    revocation = RevocationWriter(store, auth, scheduler, settings)
    connection, sync = MailSubject.CONNECTION, MailSubject.SYNC
    return {
        (connection, MailKind.REVOCATION): revocation,
        (connection, MailKind.REMINDER): revocation,
        (connection, MailKind.RECOVERY): RecoveryWriter(store, scheduler, settings),
        (sync, MailKind.FAILURE): FailureWriter(store, auth, scheduler, settings),
        (sync, MailKind.RECOVERY): SyncRecoveryWriter(store, scheduler, settings),
        (MailSubject.INVITATION, MailKind.INVITATION): InvitationWriter(auth),
    }
