"""A base's tables and fields, as far as a sync needs to know them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Upserts merge on these and on no others.
MERGEABLE = frozenset(
    {"singleLineText", "multilineText", "number", "singleSelect", "multipleSelects", "date"}
)


@dataclass(frozen=True)
class Field:
    """One field of a table; unknown types are tolerated."""

    id: str
    name: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mergeable(self) -> bool:
        """Whether rows can be found by this field's value."""
        return self.type in MERGEABLE


@dataclass(frozen=True)
class Table:
    """One table with its fields by id."""

    id: str
    name: str
    fields: Mapping[str, Field]


def read_tables(body: Mapping[str, Any]) -> list[Table]:
    """Read the answer of the tables route."""
    return [
        Table(each["id"], each["name"], {f["id"]: _read_field(f) for f in each["fields"]})
        for each in body["tables"]
    ]


def _read_field(body: Mapping[str, Any]) -> Field:
    return Field(body["id"], body["name"], body["type"], body.get("options") or {})
