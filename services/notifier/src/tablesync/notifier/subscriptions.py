"""What the notifier listens to."""

from collections.abc import Sequence

from tablesync.contracts import (
    CONNECTION_EVENTS,
    MemberInvited,
    SyncChanged,
    SyncFailed,
    SyncHeld,
    SyncInterrupted,
    SyncReleased,
    SyncSucceeded,
)
from tablesync.notifier.handlers import Handlers
from tablesync.service_kit.messaging.consumer import Subscription


def subscriptions(handlers: Handlers) -> Sequence[Subscription]:
    """Topic → event → handler."""
    return [
        Subscription(
            "connection-events",
            dict.fromkeys(CONNECTION_EVENTS, handlers.on_connection_event),
        ),
        Subscription("member-events", {MemberInvited: handlers.on_member_invited}),
        Subscription(
            "run-events",
            {
                SyncSucceeded: handlers.on_sync_succeeded,
                SyncFailed: handlers.on_sync_failed,
                SyncInterrupted: handlers.on_sync_interrupted,
            },
        ),
        Subscription(
            "sync-events",
            {
                SyncChanged: handlers.on_sync_changed,
                SyncHeld: handlers.on_sync_hold_event,
                SyncReleased: handlers.on_sync_hold_event,
            },
        ),
    ]
