"""What `/v1` says of connections and of attempts to connect, and what it is sent."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from tablesync.auth_service.api import examples
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.authorizations import Authorization, AuthorizationStatus
from tablesync.auth_service.consent.findings import Finding
from tablesync.auth_service.providers.base import Hints
from tablesync.auth_service.store import Sparse
from tablesync.contracts import (
    Account,
    ConnectionCause,
    ConnectionStatus,
    HoldKind,
    Provider,
    SyncStatus,
)
from tablesync.contracts.internal_api import AffectedSync
from tablesync.contracts.internal_api.base import Text, showing
from tablesync.contracts.permissions import not_granted
from tablesync.contracts.specs import Moment
from tablesync.contracts.wording import stopped


class ConnectionFinding(BaseModel):
    """What an operator should look at, with the remedy."""

    kind: str
    scopes: Sparse[tuple[str, ...]] = None
    message: str


class ConnectionView(BaseModel):
    """A connection as operators see it."""

    model_config = showing(examples.CONNECTION, examples.REVOKED_CONNECTION)

    id: str
    workspace_id: str
    provider: Provider
    account: Account
    status: ConnectionStatus
    cause: ConnectionCause | None
    grant_version: int
    owner_id: str
    scopes: tuple[str, ...]
    missing_scopes: tuple[str, ...] = Field(description="What the last consent left out.")
    resources: tuple[str, ...] | None = Field(
        description="Ids of what was chosen to be reached, such as Airtable bases; null where "
        "there is no choice, or it is not known."
    )
    changed_at: Moment
    badge: str = Field(description="The words on its card.")
    findings: tuple[ConnectionFinding, ...]

    @classmethod
    def of(cls, connection: Connection, hints: Hints) -> "ConnectionView":
        """Show a connection; the hints are those of its provider."""
        own = set(cls.model_fields) - {"badge", "findings"}
        return cls(
            **{name: getattr(connection, name) for name in own},
            badge=badge(connection),
            findings=findings(connection, hints),
        )


class NewAuthorization(BaseModel):
    """A wish to connect a provider, or to reconnect one connection."""

    model_config = ConfigDict(extra="forbid", **showing(examples.NEW_AUTHORIZATION))

    provider: Text
    connection_id: Text | None = None
    shop: Text | None = Field(
        default=None,
        description="The shop's domain, at a provider where each shop has its own; a connection "
        "that is reconnected has one already.",
    )


class CreatedAuthorization(BaseModel):
    """An attempt that begins when a browser opens its page."""

    model_config = showing(examples.CREATED_AUTHORIZATION)

    id: str
    start_url: str


class AuthorizationView(BaseModel):
    """An attempt, as the page that waits for its outcome reads it."""

    model_config = showing(
        examples.COMPLETED_AUTHORIZATION,
        examples.REFUSED_AUTHORIZATION,
        examples.LESS_THAN_NEEDED_AUTHORIZATION,
        examples.CONTINUED_AUTHORIZATION,
    )

    id: str
    provider: Provider
    status: AuthorizationStatus
    connection_id: str | None = Field(
        description="What is to be reconnected, or what came of the attempt."
    )
    finding: Finding | None = Field(
        description="What to know of it: why nothing came of it, or what it does not reach."
    )
    continued_by: Sparse[str] = Field(
        default=None,
        description="The attempt that was begun after this one, on its own page: go on with that.",
    )

    @classmethod
    def of(cls, attempt: Authorization, now: datetime) -> "AuthorizationView":
        """Show an attempt as it stands now."""
        return cls(
            id=attempt.id,
            provider=attempt.provider,
            status=attempt.status_at(now),
            connection_id=attempt.connection_id,
            finding=attempt.finding,
            continued_by=attempt.continued_by,
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
