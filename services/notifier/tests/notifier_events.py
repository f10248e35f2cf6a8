"""Events as auth-service, sync-runner and scheduler publish them, for the notifier's tests."""

from datetime import UTC, datetime
from typing import Any, TypeVar

from tablesync.contracts import (
    ChangedSyncStatus,
    ConnectionEvent,
    ConnectionRevoked,
    RunEvent,
    SyncChanged,
    new_id,
)
from tablesync.contracts.sync_events import SyncHoldEvent

C = TypeVar("C", bound=ConnectionEvent)
R = TypeVar("R", bound=RunEvent)
H = TypeVar("H", bound=SyncHoldEvent)
NOW = datetime.now(UTC).replace(microsecond=0)


class Events:
    """Makes events of workspace `ws_1` that each follow the one before."""

    def __init__(self) -> None:
        self._sequence = int(NOW.timestamp() * 1000)

    def connection(self, kind: type[C], connection_id: str = "con_1", **changes: Any) -> C:
        """Make an event of a HubSpot connection, whose owner is Ada."""
        lost = issubclass(kind, ConnectionRevoked)
        fields = {
            "workspace_id": "ws_1",
            "connection_id": connection_id,
            "provider": "hubspot",
            "account": {"id": "7001", "name": "Acme Europe", "email": "ada@acme.test"},
            "grant_version": 1,
            "status": "revoked" if lost else "connected",
            "cause": "app_uninstalled" if lost else None,
            "owner_id": "op_ada",
            "sequence": self._next_sequence(),
            "changed_at": NOW,
        }
        return kind.model_validate(fields | changes)

    def run(self, kind: type[R], sync_id: str, **changes: Any) -> R:
        """Make the end of a run that began on schedule."""
        fields = {
            "workspace_id": "ws_1",
            "sync_id": sync_id,
            "run_id": new_id("run"),
            "trigger": "schedule",
            "summary": "It is over.",
            "ended_at": datetime.now(UTC),
            "outcome": "interrupted",
            "cause": "connection",
        }
        return kind.model_validate(fields | changes)

    def hold(self, kind: type[H], sync_id: str, **changes: Any) -> H:
        """Make a hold, or its end, for the loss of the first connection."""
        fields = {
            "workspace_id": "ws_1",
            "sync_id": sync_id,
            "name": f"Sync {sync_id}",
            "sequence": self._next_sequence(),
            "hold": {
                "kind": "connection",
                "connection_id": "con_1",
                "cause": "app_uninstalled",
                "since": NOW,
            },
            "gap": {"from": NOW, "to": None, "slots_missed": 0},
        }
        return kind.model_validate(fields | changes)

    def deletion(self, sync_id: str) -> SyncChanged:
        """Make the deletion of a sync from the first connection."""
        end = {"connection_id": "con_1", "provider": "hubspot", "object": "deals"}
        spec = {
            "sync_id": sync_id,
            "workspace_id": "ws_1",
            "name": f"Sync {sync_id}",
            "version": 1,
            "source": end,
            "destination": {"connection_id": "con_airtable", "base_id": "app1", "table_id": "tbl1"},
            "key": {"source": "id", "field_id": "fld1"},
            "mapping": [],
        }
        fields = {
            "workspace_id": "ws_1",
            "sync_id": sync_id,
            "sequence": self._next_sequence(),
            "status": ChangedSyncStatus.DELETED,
            "paused": False,
            "spec": spec,
            "schedule": {"every_seconds": 60},
            "overlap": "coalesce",
            "owner_id": "op_ada",
            "created_at": NOW,
        }
        return SyncChanged.model_validate(fields)

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence
