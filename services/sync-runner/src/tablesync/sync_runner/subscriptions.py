"""What sync-runner listens to: topic → event → handler."""

from collections.abc import Sequence

from tablesync.contracts import (
    ConnectionEstablished,
    ConnectionLapsing,
    ConnectionMoved,
    ConnectionReconnected,
    ConnectionRemoved,
    ConnectionRevoked,
    RunCancelRequested,
    SyncRequested,
)
from tablesync.service_kit.messaging.consumer import Following, Subscription
from tablesync.sync_runner.access.connections import Connections
from tablesync.sync_runner.handlers import Handlers


def subscriptions(handlers: Handlers) -> Sequence[Subscription]:
    """Consumed in the service's own group: every message has its effect once."""
    return [
        Subscription(
            "sync-requests",
            {
                SyncRequested: handlers.on_sync_requested,
                RunCancelRequested: handlers.on_run_cancel_requested,
            },
        )
    ]


def followings(connections: Connections) -> Sequence[Following]:
    """Followed by every process from the latest message on."""
    states = (
        ConnectionEstablished,
        ConnectionRevoked,
        ConnectionReconnected,
        ConnectionLapsing,
        ConnectionMoved,
        ConnectionRemoved,
    )
    return [Following("connection-events", dict.fromkeys(states, connections.on_connection_event))]
