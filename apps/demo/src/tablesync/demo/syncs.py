"""The three syncs of the demo: which HubSpot object goes to which base, field by field."""

from dataclasses import dataclass
from typing import Any

# How often each sync is due, in seconds: far more often than in real life, for the occasion.
EVERY_SECONDS = {"contacts": 12, "companies": 10, "deals": 11}
OBJECTS = tuple(EVERY_SECONDS)
KEY_FIELD = "HubSpot ID"


@dataclass(frozen=True)
class Table:
    """One Airtable table: its ids and its fields by name."""

    base_id: str
    table_id: str
    fields: dict[str, dict[str, Any]]


def tables_of(bases: list[dict[str, Any]]) -> dict[str, Table]:
    """Find each object's table among the bases, such as `Acme contacts` for contacts."""
    return {
        object_: _table(base)
        for object_ in OBJECTS
        for base in bases
        if base["name"].lower().endswith(object_)
    }


def definition(
    object_: str,
    table: Table,
    properties: list[dict[str, Any]],
    source_connection: str,
    destination_connection: str,
) -> dict[str, Any]:
    """Return the body of `POST /v1/syncs`: every field is mapped from the property it is named for.

    A field is named by its property's label, as a person would name it.
    """
    by_label = {each["label"].lower(): each["name"] for each in properties}
    mapping = [
        {"source": by_label[name.lower()], "field_id": field["id"]}
        for name, field in table.fields.items()
        if name.lower() in by_label
    ]
    return {
        "name": f"HubSpot {object_} → Airtable",
        "source": {"connection_id": source_connection, "object": object_},
        "destination": {
            "connection_id": destination_connection,
            "base_id": table.base_id,
            "table_id": table.table_id,
        },
        "key": {"source": "id", "field_id": table.fields[KEY_FIELD]["id"]},
        "mapping": mapping,
        "schedule": {"every_seconds": EVERY_SECONDS[object_]},
    }


def labels_of(properties: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Return what people see of the options of each property, by value."""
    return {
        each["name"]: {option["value"]: option["label"] for option in each["options"]}
        for each in properties
        if each.get("options")
    }


def _table(base: dict[str, Any]) -> Table:
    table = base["tables"][0]
    return Table(base["id"], table["id"], {field["name"]: field for field in table["fields"]})
