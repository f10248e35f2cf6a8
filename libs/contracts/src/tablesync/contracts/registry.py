"""Every event type that exists, by its literal `ce_type`."""

from collections.abc import Mapping
from types import MappingProxyType

from tablesync.contracts import (
    connection_events,
    member_events,
    run_events,
    run_progress,
    sync_events,
    sync_requests,
)
from tablesync.contracts.event import Event

_CLASSES: tuple[type[Event], ...] = (
    *connection_events.CONNECTION_EVENTS,
    connection_events.ProviderOutageOpened,
    connection_events.ProviderOutageClosed,
    sync_requests.SyncRequested,
    sync_requests.RunCancelRequested,
    run_events.SyncStarted,
    run_events.SyncSucceeded,
    run_events.SyncFailed,
    run_events.SyncInterrupted,
    sync_events.SyncHeld,
    sync_events.SyncReleased,
    sync_events.SyncChanged,
    run_progress.RunProgressed,
    member_events.MemberInvited,
    member_events.MemberRoleChanged,
    member_events.MemberRemoved,
)

EVENT_TYPES: Mapping[str, type[Event]] = MappingProxyType({each.type: each for each in _CLASSES})


def event_class(ce_type: str) -> type[Event] | None:
    """Return the class of a `ce_type`, or None where this version does not know it."""
    return EVENT_TYPES.get(ce_type)
