"""What the scheduler listens to."""

from tablesync.contracts import (
    ConnectionEstablished,
    ConnectionLapsing,
    ConnectionMoved,
    ConnectionReconnected,
    ConnectionRemoved,
    ConnectionRevoked,
    RevocationAnnounced,
    SyncFailed,
    SyncInterrupted,
    SyncStarted,
    SyncSucceeded,
)
from tablesync.scheduler.handlers import Handlers
from tablesync.service_kit.messaging.consumer import Subscription


def subscriptions(handlers: Handlers) -> list[Subscription]:
    """Return topic → event → handler lines."""
    return [
        Subscription(
            "connection-events",
            {
                ConnectionEstablished: handlers.on_connection_changed,
                ConnectionRevoked: handlers.on_connection_changed,
                ConnectionReconnected: handlers.on_connection_changed,
                ConnectionLapsing: handlers.on_connection_changed,
                ConnectionMoved: handlers.on_connection_changed,
                ConnectionRemoved: handlers.on_connection_changed,
                RevocationAnnounced: handlers.on_connection_changed,
            },
        ),
        Subscription(
            "run-events",
            {
                SyncStarted: handlers.on_sync_started,
                SyncSucceeded: handlers.on_sync_succeeded,
                SyncFailed: handlers.on_sync_failed,
                SyncInterrupted: handlers.on_sync_interrupted,
            },
        ),
    ]
