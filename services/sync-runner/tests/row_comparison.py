"""Compares a table with its source, record by record, by what equal means here.

Each source record with a non-empty key is exactly one row, whose mapped cells equal the coerced
values; all others are among the rejections.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tablesync.sync_runner.airtable.cells import Cell, CoercionError
from tablesync.sync_runner.pipeline.columns import Column, cells_of
from tablesync.sync_runner.sources.base import SourceRecord

Row = Mapping[str, Any]


@dataclass
class Differences:
    """What is not as it has to be; falsy if nothing is."""

    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)
    not_rejected: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(vars(self).values())


def compare(
    records: Iterable[SourceRecord],
    rows: Iterable[Row],
    columns: Sequence[Column],
    rejected: Iterable[str] = (),
) -> Differences:
    """Compare source records with rows (cells by field id); the first column is the key."""
    key, rows, refused = columns[0].field.id, list(rows), set(rejected)
    found = Differences()
    expected: dict[Cell, tuple[str, dict[str, Cell]]] = {}
    for record in records:
        cells = _cells(record, columns)
        if cells is None or cells[key] is None:
            if record.id not in refused:
                found.not_rejected.append(record.id)
        elif record.id not in refused:
            expected[_hashable(cells[key])] = record.id, cells
    by_key = {_hashable(row.get(key)): row for row in rows}
    counted = Counter(_hashable(row.get(key)) for row in rows)
    found.doubled = [str(value) for value, count in counted.items() if count > 1]
    found.unexpected = [str(value) for value in by_key.keys() - expected.keys()]
    for value, (record_id, cells) in expected.items():
        _compare_row(found, record_id, cells, by_key.get(value))
    return found


def _compare_row(
    found: Differences, record_id: str, cells: Mapping[str, Cell], row: Row | None
) -> None:
    if row is None:
        found.missing.append(record_id)
        return
    for field_id, cell in cells.items():
        if row.get(field_id) != cell:
            found.unequal.append(f"{record_id}.{field_id}: {row.get(field_id)!r} != {cell!r}")


def _cells(record: SourceRecord, columns: Sequence[Column]) -> dict[str, Cell] | None:
    try:
        return cells_of(record.values, columns)
    except CoercionError:
        return None


def _hashable(cell: Any) -> Any:
    return tuple(cell) if isinstance(cell, list) else cell
