"""JSON Schemas of events and internal bodies, for whoever reads them without this package."""

from typing import Any

from pydantic import BaseModel
from tablesync.contracts.event import Event
from tablesync.contracts.internal_api import BODIES, Body
from tablesync.contracts.registry import EVENT_TYPES

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
BODY_FOLDER = "internal_api"


def schema_file(ce_type: str) -> str:
    """Name the schema file of an event type, such as `tablesync.sync.held.v1.schema.json`."""
    return f"{ce_type}.schema.json"


def body_schema_file(name: str) -> str:
    """Name the schema file of a body, such as `internal_api/RunStates.schema.json`."""
    return f"{BODY_FOLDER}/{name}.schema.json"


def all_schemas() -> dict[str, Schema]:
    """Return the schema of every event type and internal body by its file name."""
    events = {schema_file(ce_type): schema(EVENT_TYPES[ce_type]) for ce_type in sorted(EVENT_TYPES)}
    return events | {body_schema_file(name): body_schema(BODIES[name]) for name in sorted(BODIES)}


def schema(event: type[Event]) -> Schema:
    """Return the schema of an event's value: fields unknown to a reader are allowed."""
    return _schema(event, event.type)


def body_schema(body: type[Body]) -> Schema:
    """Return the schema of a body: members unknown to a reader are allowed."""
    return _schema(body, f"internal-api:{body.__name__}")


def _schema(model: type[BaseModel], urn: str) -> Schema:
    generated = model.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": DIALECT,
        "$id": f"urn:tablesync:schema:{urn}",
        "title": model.__name__,
        "description": generated.pop("description"),
        **{name: part for name, part in generated.items() if name != "title"},
    }
