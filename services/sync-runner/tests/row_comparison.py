"""Compares a table with its source, record by record, by what equal means here.

Each source record with a non-empty key is exactly one row, whose mapped cells are what the oracle
expects of its values; all others are among the rejections.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from expected_cells import Json, Mapped, RefusedError, expected_cells

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
    records: Iterable[Json],
    rows: Iterable[Row],
    mapping: Sequence[Mapped],
    rejected: Iterable[str] = (),
) -> Differences:
    """Compare HubSpot's records with rows (cells by field id); what is mapped first is the key."""
    key, rows, refused = mapping[0].field["id"], list(rows), set(rejected)
    found = Differences()
    expected: dict[Any, tuple[str, Json]] = {}
    for record in records:
        cells = _cells(record, mapping)
        if cells is None or cells[key] is None:
            if record["id"] not in refused:
                found.not_rejected.append(record["id"])
        elif record["id"] not in refused:
            expected[_hashable(cells[key])] = record["id"], cells
    by_key = {_hashable(row.get(key)): row for row in rows}
    counted = Counter(_hashable(row.get(key)) for row in rows)
    found.doubled = [str(value) for value, count in counted.items() if count > 1]
    found.unexpected = [str(value) for value in by_key.keys() - expected.keys()]
    for value, (record_id, cells) in expected.items():
        _compare_row(found, record_id, cells, by_key.get(value))
    return found


def _compare_row(found: Differences, record_id: str, cells: Json, row: Row | None) -> None:
    if row is None:
        found.missing.append(record_id)
        return
    for field_id, cell in cells.items():
        if not _same(row.get(field_id), cell):
            found.unequal.append(f"{record_id}.{field_id}: {row.get(field_id)!r} != {cell!r}")


def _same(shown: Any, cell: Any) -> bool:
    """Whether two cells are equal in JSON, where true is no number."""
    return bool(shown == cell) and isinstance(shown, bool) == isinstance(cell, bool)


def _cells(record: Json, mapping: Sequence[Mapped]) -> Json | None:
    try:
        return expected_cells(record, mapping)
    except RefusedError:
        return None


def _hashable(cell: Any) -> Any:
    return tuple(cell) if isinstance(cell, list) else cell
