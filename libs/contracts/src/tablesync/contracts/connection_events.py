"""Events of the topic `connection-events`, produced by auth-service."""

from typing import ClassVar

from pydantic import Field
from tablesync.contracts.event import Event, StateEvent
from tablesync.contracts.specs import (
    Account,
    ConnectionCause,
    ConnectionStatus,
    Moment,
    Provider,
    is_none,
)

TOPIC = "connection-events"


class ConnectionEvent(StateEvent):
    """A connection's whole public state; never a token, link or secret."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "connection_id"

    connection_id: str
    provider: Provider
    account: Account
    grant_version: int = Field(ge=0)
    status: ConnectionStatus
    cause: ConnectionCause | None = None
    owner_id: str = Field(description="The operator who connected it and is mailed about it.")
    changed_at: Moment = Field(description="When this state began, by the database's clock.")
    scopes: tuple[str, ...] | None = Field(
        default=None,
        exclude_if=is_none,
        description="What was granted, as the provider spells it; absent where it is not known.",
    )
    resources: tuple[str, ...] | None = Field(
        default=None,
        exclude_if=is_none,
        description="Ids of what was chosen to be reached, such as Airtable bases; absent where "
        "there is no choice, or it is not known.",
    )


class ConnectionEstablished(ConnectionEvent):
    """A workspace connected an account for the first time."""

    type: ClassVar[str] = "tablesync.connection.established.v1"


class ConnectionRevoked(ConnectionEvent):
    """A loss was confirmed, or an operator disconnected: nothing may use the grant."""

    type: ClassVar[str] = "tablesync.connection.revoked.v1"


class ConnectionReconnected(ConnectionEvent):
    """The same account has a fresh grant, which may allow other things; what was held may go on."""

    type: ClassVar[str] = "tablesync.connection.reconnected.v1"


class ConnectionLapsing(ConnectionEvent):
    """The grant ends at `lapses_at` unless somebody reconnects or a refresh succeeds."""

    type: ClassVar[str] = "tablesync.connection.lapsing.v1"

    lapses_at: Moment


class ConnectionMoved(ConnectionEvent):
    """An operator moved the connection to another account: cursors and states are reset."""

    type: ClassVar[str] = "tablesync.connection.moved.v1"

    previous_account: Account


class ConnectionRemoved(ConnectionEvent):
    """An operator removed the connection from the workspace: its status is `disconnected`."""

    type: ClassVar[str] = "tablesync.connection.removed.v1"


class RevocationAnnounced(ConnectionEvent):
    """An operator plans to revoke access at the provider; what follows is no incident."""

    type: ClassVar[str] = "tablesync.connection.revocation-announced.v1"

    planned_for: Moment


# What tells of one connection: readers that act on its state take them all alike.
CONNECTION_EVENTS: tuple[type[ConnectionEvent], ...] = (
    ConnectionEstablished,
    ConnectionRevoked,
    ConnectionReconnected,
    ConnectionLapsing,
    ConnectionMoved,
    ConnectionRemoved,
    RevocationAnnounced,
)


class ProviderOutage(Event):
    """Base of the outage events; their workspace is empty since they concern everyone."""

    topic: ClassVar[str] = TOPIC
    key_field: ClassVar[str] = "provider"

    workspace_id: str = ""
    provider: Provider
    since: Moment


class ProviderOutageOpened(ProviderOutage):
    """A provider fails for many tenants at once: an outage, not a thousand incidents."""

    type: ClassVar[str] = "tablesync.provider.outage-opened.v1"


class ProviderOutageClosed(ProviderOutage):
    """The provider answers again."""

    type: ClassVar[str] = "tablesync.provider.outage-closed.v1"

    until: Moment
