"""The events, topics and ids that TableSync's services share, and nothing else."""

from tablesync.contracts.connection_events import (
    ConnectionEstablished,
    ConnectionEvent,
    ConnectionLapsing,
    ConnectionMoved,
    ConnectionReconnected,
    ConnectionRemoved,
    ConnectionRevoked,
    ProviderOutageClosed,
    ProviderOutageOpened,
    RevocationAnnounced,
)
from tablesync.contracts.envelope import Envelope, MalformedEventError, UnknownEventTypeError
from tablesync.contracts.event import Event, StateEvent, next_sequence
from tablesync.contracts.ids import IdKind, is_id, new_event_id, new_id
from tablesync.contracts.registry import EVENT_TYPES, event_class
from tablesync.contracts.run_events import (
    RunEvent,
    SyncFailed,
    SyncInterrupted,
    SyncStarted,
    SyncSucceeded,
)
from tablesync.contracts.run_progress import RunProgressed
from tablesync.contracts.specs import (
    Account,
    ConnectionCause,
    ConnectionStatus,
    Destination,
    FieldMapping,
    Gap,
    Hold,
    HoldKind,
    Provider,
    RunCounts,
    RunFailureCause,
    Source,
    SyncSpec,
    Trigger,
)
from tablesync.contracts.sync_events import SyncHeld, SyncReleased
from tablesync.contracts.sync_requests import RunCancelRequested, SyncRequested
from tablesync.contracts.topics import TOPICS, Topic

__all__ = [
    "EVENT_TYPES",
    "TOPICS",
    "Account",
    "ConnectionCause",
    "ConnectionEstablished",
    "ConnectionEvent",
    "ConnectionLapsing",
    "ConnectionMoved",
    "ConnectionReconnected",
    "ConnectionRemoved",
    "ConnectionRevoked",
    "ConnectionStatus",
    "Destination",
    "Envelope",
    "Event",
    "FieldMapping",
    "Gap",
    "Hold",
    "HoldKind",
    "IdKind",
    "MalformedEventError",
    "Provider",
    "ProviderOutageClosed",
    "ProviderOutageOpened",
    "RevocationAnnounced",
    "RunCancelRequested",
    "RunCounts",
    "RunEvent",
    "RunFailureCause",
    "RunProgressed",
    "Source",
    "StateEvent",
    "SyncFailed",
    "SyncHeld",
    "SyncInterrupted",
    "SyncReleased",
    "SyncRequested",
    "SyncSpec",
    "SyncStarted",
    "SyncSucceeded",
    "Topic",
    "Trigger",
    "UnknownEventTypeError",
    "event_class",
    "is_id",
    "new_event_id",
    "new_id",
    "next_sequence",
]
