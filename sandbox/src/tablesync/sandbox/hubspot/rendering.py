"""Records as the API shows them."""

from collections.abc import Iterable
from typing import Any

from tablesync.sandbox.clock import java_instant
from tablesync.sandbox.seed.catalogue import DEFAULT_PROPERTIES

from .crm_records import CrmRecord
from .definitions import PropertyDefinitions


def wanted_names(
    kind: str, requested: Iterable[str], modified_property: str, definitions: PropertyDefinitions
) -> list[str]:
    """Return the names to show: the requested known ones and those that are always there."""
    names = list(requested) or list(DEFAULT_PROPERTIES[kind])
    known = [name for name in names if name in definitions.by_name]
    return list(dict.fromkeys([*known, "createdate", "hs_object_id", modified_property]))


def shown(record: CrmRecord, names: Iterable[str], modified_property: str) -> dict[str, Any]:
    """Return one record; properties without a value come as null."""
    values = record.properties
    answer: dict[str, Any] = {
        "id": str(record.id),
        "properties": {name: values.get(name) for name in names},
        "createdAt": values["createdate"],
        "updatedAt": values[modified_property],
        "archived": record.is_archived,
    }
    if record.archived_ms is not None:
        answer["archivedAt"] = java_instant(record.archived_ms)
    return answer
