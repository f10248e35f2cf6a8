"""Shows connections and attempts to connect as `/v1` says them."""

from datetime import datetime

from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.authorizations import Authorization
from tablesync.auth_service.providers.base import Hints, OAuthProvider
from tablesync.contracts import ConnectionStatus, HoldKind, SyncStatus
from tablesync.contracts.internal_api import AffectedSync
from tablesync.contracts.permissions import not_granted
from tablesync.contracts.public_api.connections import (
    AuthorizationView,
    ConnectionFinding,
    ConnectionView,
    ProviderView,
)
from tablesync.contracts.wording import provider_label, stopped


def provider_view(shown: OAuthProvider) -> ProviderView:
    """Show a provider."""
    hints = shown.hints
    return ProviderView(
        name=shown.name,
        label=provider_label(shown.name),
        asks=hints.asks,
        connect=hints.connect,
        reconnect=hints.reconnect,
        removal=hints.removal,
        sign_out_url=shown.sign_out_url,
        **vars(shown.profile),
    )


def connection_view(shown: Connection, hints: Hints) -> ConnectionView:
    """Show a connection; the hints are those of its provider."""
    own = set(ConnectionView.model_fields) - {"badge", "findings"}
    return ConnectionView(
        **{name: getattr(shown, name) for name in own},
        badge=badge(shown),
        findings=findings(shown, hints),
    )


def authorization_view(shown: Authorization, now: datetime) -> AuthorizationView:
    """Show an attempt as it stands now."""
    return AuthorizationView(
        id=shown.id,
        provider=shown.provider,
        status=shown.status_at(now),
        connection_id=shown.connection_id,
        finding=shown.finding,
        continued_by=shown.continued_by,
    )


def badge(connection: Connection) -> str:
    """Return the words on the card."""
    if connection.status is ConnectionStatus.DISCONNECTED:
        return "Disconnected by you"
    if connection.status is ConnectionStatus.REVOKED:
        return "Disconnected"
    return "Needs attention" if connection.missing_scopes else "Connected"


def findings(connection: Connection, hints: Hints) -> tuple[ConnectionFinding, ...]:
    """Return what an operator should look at."""
    if connection.status is ConnectionStatus.DISCONNECTED:
        return (ConnectionFinding(kind="app_stays", message=hints.removal),)
    if not connection.connected or not connection.missing_scopes:
        return ()
    missing = connection.missing_scopes
    message = f"{not_granted(connection.provider, missing)} Syncs that need it are held until then."
    return (ConnectionFinding(kind="missing_scopes", scopes=missing, message=message),)


def standing(sync: AffectedSync, connection: Connection) -> str:
    """Return how a sync stands that uses this connection, and what it has missed."""
    missed = sync.gap.slots_missed if sync.gap and sync.stopped_by else 0
    return f"{_state(sync, connection)}{f', {missed} missed' if missed else ''}"


def _state(sync: AffectedSync, connection: Connection) -> str:
    others = sync.stopped_beside(connection.id)
    if sync.status is SyncStatus.PAUSED or others:
        ours = () if connection.connected else (HoldKind.CONNECTION,)
        return stopped(sync.status, [*ours, *others])
    running = connection.connected and sync.status is SyncStatus.ACTIVE
    return "active" if running else "waiting"
