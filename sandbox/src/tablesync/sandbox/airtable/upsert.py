"""Upsert: no match creates, one updates, two or more fail the whole request."""

from typing import Any

from tablesync.sandbox.counters import AirtableCounters

from . import errors
from .field_types import MERGEABLE
from .tables import Cells, Field, Row, Table

MAXIMUM_MERGE_FIELDS = 3


def merge_fields(table: Table, perform: Any) -> list[Field]:
    """Return the one to three fields to merge on, or raise a 422 refusal."""
    names = perform.get("fieldsToMergeOn") if isinstance(perform, dict) else None
    if not isinstance(names, list) or not 1 <= len(names) <= MAXIMUM_MERGE_FIELDS:
        raise errors.invalid_request()
    return [_merge_field(table, str(name)) for name in names]


def _merge_field(table: Table, name: str) -> Field:
    field = table.field_named(name)
    if field is None:
        raise errors.unknown_field(name)
    if field.type not in MERGEABLE:
        raise errors.invalid_request(f'Cannot merge on field "{field.name}" of type {field.type}')
    return field


def plan_upsert(
    table: Table,
    merge_on: list[Field],
    entries: list[dict[str, Any]],
    cells: list[Cells],
    counters: AirtableCounters,
) -> list[tuple[Row | None, Cells]]:
    """Return for each entry the row that it updates, or None where it creates one.

    Entries of one request with equal merge values do not see each other: both create.
    """
    plan: list[tuple[Row | None, Cells]] = []
    keys_created: set[Any] = set()
    for entry, values in zip(entries, cells, strict=True):
        row = _target(table, merge_on, entry, values, counters)
        if row is None:
            key = repr([values.get(field.id) for field in merge_on])
            counters.upsert_duplicates += key in keys_created
            keys_created.add(key)
        plan.append((row, values))
    return plan


def _target(
    table: Table,
    merge_on: list[Field],
    entry: dict[str, Any],
    values: Cells,
    counters: AirtableCounters,
) -> Row | None:
    if entry.get("id") is not None:
        row = table.rows.get(str(entry["id"]))
        if row is None:
            raise errors.row_does_not_exist(str(entry["id"]))
        return row
    if any(field.id not in values for field in merge_on):
        raise errors.invalid_request("Every record needs a value in each field to merge on")
    found = table.matching({field.id: values[field.id] for field in merge_on})
    if len(found) > 1:
        counters.upsert_duplicates += 1
        names = ", ".join(field.name for field in merge_on)
        raise errors.invalid_request(f"More than one record matches on {names}")
    return table.rows[next(iter(found))] if found else None
