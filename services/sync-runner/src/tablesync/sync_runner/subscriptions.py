"""What sync-runner listens to: topic → event → handler."""

from collections.abc import Sequence

from tablesync.contracts import CONNECTION_EVENTS, RunCancelRequested, SyncChanged, SyncRequested
from tablesync.service_kit.messaging.consumer import Following, Subscription
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
        ),
        Subscription("sync-events", {SyncChanged: handlers.on_sync_changed}),
    ]


def followings(handlers: Handlers) -> Sequence[Following]:
    """Followed by every process from the latest message on."""
    return [
        Following(
            "connection-events", dict.fromkeys(CONNECTION_EVENTS, handlers.on_connection_event)
        )
    ]
