"""Shows connections and attempts to connect as `/v1` says them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tablesync.auth_service.audit_trail import CONNECTION, Entry
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.authorizations import Authorization
from tablesync.auth_service.identity.names import Names
from tablesync.auth_service.providers.base import Hints, OAuthProvider
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts import ConnectionStatus, HoldKind, SyncStatus
from tablesync.contracts.internal_api import AffectedSync
from tablesync.contracts.permissions import extra_permissions, not_granted
from tablesync.contracts.public_api.connections import (
    AuthorizationStatus,
    AuthorizationView,
    ConnectionEntry,
    ConnectionFinding,
    ConnectionView,
    ExtraPermission,
    Named,
    ProviderView,
)
from tablesync.contracts.wording import provider_label, stopped
from tablesync.service_kit.http.user_auth import OperatorRole, Principal


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
        places=shown.places,
        extras=tuple(
            ExtraPermission(name=name, words=each.words)
            for name, each in extra_permissions(shown.name).items()
        ),
        **vars(shown.profile),
    )


def connection_view(shown: Connection, hints: Hints, people: Mapping[str, Named]) -> ConnectionView:
    """Show a connection; the hints are those of its provider, the people by their ids."""
    own = set(ConnectionView.model_fields) - {"changed_by", "findings"}
    return ConnectionView(
        **{name: getattr(shown, name) for name in own},
        changed_by=people.get(shown.changed_by or ""),
        findings=findings(shown, hints),
    )


class ConnectionViews:
    """Shows connections with the names of those who changed them."""

    def __init__(self, providers: Providers, names: Names) -> None:
        self._providers = providers
        self._names = names

    async def of(self, shown: Sequence[Connection]) -> list[ConnectionView]:
        """Show several."""
        people = await self._names.of(each.changed_by for each in shown)
        return [
            connection_view(each, self._providers.hints(each.provider), people) for each in shown
        ]

    async def of_one(self, shown: Connection) -> ConnectionView:
        """Show one."""
        return (await self.of([shown]))[0]


def connection_entry(shown: Entry, people: Mapping[str, Named]) -> ConnectionEntry:
    """Show a line of a connection's history."""
    cause = shown.detail.get("cause")
    return ConnectionEntry(
        at=shown.at,
        kind=shown.action.removeprefix(CONNECTION),
        cause=str(cause) if cause else None,
        by=people.get(shown.by),
    )


class AuthorizationViews:
    """Shows attempts to connect with the names of those who asked for them."""

    def __init__(self, public_url: str, names: Names) -> None:
        self._public_url = public_url
        self._names = names

    def start_url(self, attempt: Authorization) -> str:
        """Return what the popup opens."""
        return f"{self._public_url}/oauth/{attempt.provider}/start?authorization={attempt.id}"

    async def of(
        self, shown: Sequence[Authorization], now: datetime, who: Principal
    ) -> list[AuthorizationView]:
        """Show several as they stand now; where they go on is for who may connect accounts."""
        people = await self._names.of(each.asker_id for each in shown)
        may_go_on = who.role >= OperatorRole.OPERATOR
        return [self._view(each, now, people, may_go_on=may_go_on) for each in shown]

    async def of_one(
        self, shown: Authorization, now: datetime, who: Principal
    ) -> AuthorizationView:
        """Show one as it stands now."""
        return (await self.of([shown], now, who))[0]

    def _view(
        self,
        shown: Authorization,
        now: datetime,
        people: Mapping[str, Named],
        *,
        may_go_on: bool,
    ) -> AuthorizationView:
        status = shown.status_at(now)
        goes_on = may_go_on and status is AuthorizationStatus.PENDING
        return AuthorizationView(
            id=shown.id,
            provider=shown.provider,
            status=status,
            connection_id=shown.connection_id,
            asked_by=people.get(shown.asker_id or ""),
            asked_at=shown.created_at,
            expires_at=shown.expires_at,
            start_url=self.start_url(shown) if goes_on else None,
            finding=shown.finding,
            continued_by=shown.continued_by,
        )


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
