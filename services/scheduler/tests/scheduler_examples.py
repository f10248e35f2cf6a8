"""What the scheduler's tests make: syncs, states of connections, the body of a request."""

from datetime import UTC, datetime
from typing import Any, TypeVar

from tablesync.contracts import (
    Account,
    ConnectionCause,
    ConnectionEvent,
    ConnectionRevoked,
    ConnectionStatus,
    Destination,
    FieldMapping,
    Provider,
    Source,
    new_id,
)
from tablesync.contracts.internal_api import AirtableTable
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.domain.schedules import next_slot
from tablesync.scheduler.domain.syncs import Sync
from tablesync.test_kit.stand_ins import airtable_field

WORKSPACE = "ws_0198f0c2-0000-7000-8000-000000000001"
HUBSPOT, AIRTABLE = "con_hubspot", "con_airtable"
PROVIDERS = {HUBSPOT: Provider.HUBSPOT, AIRTABLE: Provider.AIRTABLE}
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
OBJECTS = {"contacts": ("email", "firstname"), "companies": ("domain",)}
TABLE = AirtableTable(
    id="tblContacts000001",
    name="Contacts",
    fields=(
        airtable_field("fldKey00000000001", "HubSpot id"),
        airtable_field("fldEmail000000001", "E-mail", "email", mergeable=False),
        airtable_field("fldName0000000001", "Name"),
        airtable_field("fldSum00000000001", "Total", "formula", mergeable=False, writable=False),
    ),
)

E = TypeVar("E", bound=ConnectionEvent)


def new_sync_body(every_seconds: int = 3600) -> dict[str, Any]:
    """Make the body of a request that creates a sync of what is there."""
    return {
        "name": "Contacts",
        "source": {"connection_id": HUBSPOT, "object": "contacts"},
        "destination": {
            "connection_id": AIRTABLE,
            "base_id": "appAcme0000000001",
            "table_id": TABLE.id,
        },
        "key": {"source": "id", "field_id": "fldKey00000000001"},
        "mapping": [{"source": "email", "field_id": "fldEmail000000001"}],
        "schedule": {"every_seconds": every_seconds},
    }


def a_sync(schedule: Interval | None = None, anchor: datetime = NOON, **changes: Any) -> Sync:
    """Make a sync whose first slot is one interval after its anchor."""
    schedule = schedule or Interval(every_seconds=60)
    fields: dict[str, Any] = {
        "id": new_id("syn"),
        "workspace_id": WORKSPACE,
        "name": "Contacts",
        "owner_id": "op_1",
        "created_at": anchor,
        "source": Source(connection_id=HUBSPOT, provider=Provider.HUBSPOT, object="contacts"),
        "destination": Destination(
            connection_id=AIRTABLE, base_id="appAcme0000000001", table_id=TABLE.id
        ),
        "key": FieldMapping(source="id", field_id="fldKey00000000001"),
        "mapping": (FieldMapping(source="email", field_id="fldEmail000000001"),),
        "schedule": schedule,
        "anchor": anchor,
        "next_slot_at": next_slot(schedule, anchor, anchor),
    }
    return Sync(**fields | changes)


def a_state(
    kind: type[E],
    sequence: int,
    connection_id: str = HUBSPOT,
    changed_at: datetime = NOON,
    *,
    scopes: tuple[str, ...] | None = None,
    resources: tuple[str, ...] | None = None,
) -> E:
    """Make a connection event; revoked ones are `app_uninstalled`."""
    revoked = issubclass(kind, ConnectionRevoked)
    return kind(
        workspace_id=WORKSPACE,
        sequence=sequence,
        connection_id=connection_id,
        provider=PROVIDERS[connection_id],
        account=Account(id="7001", name="Acme"),
        grant_version=1,
        status=ConnectionStatus.REVOKED if revoked else ConnectionStatus.CONNECTED,
        cause=ConnectionCause.APP_UNINSTALLED if revoked else None,
        owner_id="op_1",
        changed_at=changed_at,
        scopes=scopes,
        resources=resources,
    )
