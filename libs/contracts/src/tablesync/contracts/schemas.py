"""JSON Schemas of the events, for whoever reads them without this package."""

from typing import Any

from tablesync.contracts.event import Event
from tablesync.contracts.registry import EVENT_TYPES

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_file(ce_type: str) -> str:
    """Name the schema file of an event type, such as `tablesync.sync.held.v1.schema.json`."""
    return f"{ce_type}.schema.json"


def all_schemas() -> dict[str, Schema]:
    """Return every event type's schema by its file name."""
    return {schema_file(ce_type): schema(EVENT_TYPES[ce_type]) for ce_type in sorted(EVENT_TYPES)}


def schema(event: type[Event]) -> Schema:
    """Return the schema of an event's value: fields unknown to a reader are allowed."""
    generated = event.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": DIALECT,
        "$id": f"urn:tablesync:schema:{event.type}",
        "title": event.__name__,
        "description": generated.pop("description"),
        **{name: part for name, part in generated.items() if name != "title"},
    }
