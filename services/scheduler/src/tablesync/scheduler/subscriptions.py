"""What the scheduler listens to."""

from tablesync.contracts import (
    CONNECTION_EVENTS,
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
            dict.fromkeys(CONNECTION_EVENTS, handlers.on_connection_event),
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
