"""Cells that Airtable has refused in a run: whoever has the same is refused without a request."""

import hashlib
from collections.abc import Mapping

import orjson
from tablesync.sync_runner.airtable.cells import Cell
from tablesync.sync_runner.airtable.reasons import Reason
from tablesync.sync_runner.airtable.schema import Field

MOST_REMEMBERED = 1_000


class RefusedCells:
    """Remembers cells by field, with the reason; a key is one record's alone."""

    def __init__(self, key_field: str) -> None:
        self._key_field = key_field
        self._reasons: dict[tuple[str, bytes], Reason] = {}
        self._fields: set[str] = set()

    def add(self, cells: Mapping[str, Cell], fields: Mapping[str, Field], reason: Reason) -> None:
        """Remember the cell that is to blame, if one is named."""
        named = (each.id for each in fields.values() if each.name == reason.field)
        field_id = next(named, self._key_field)
        cell = cells.get(field_id)
        full = len(self._reasons) >= MOST_REMEMBERED
        if field_id != self._key_field and cell is not None and not full:
            self._reasons[field_id, _digest(cell)] = reason
            self._fields.add(field_id)

    def reason(self, cells: Mapping[str, Cell]) -> Reason | None:
        """Return why a record with these cells is refused, if one of them was."""
        for field_id in self._fields & cells.keys():
            if found := self._reasons.get((field_id, _digest(cells[field_id]))):
                return found
        return None


def _digest(cell: Cell) -> bytes:
    return hashlib.blake2b(orjson.dumps(cell), digest_size=16).digest()
