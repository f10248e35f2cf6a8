"""Bases, tables, fields and rows in memory, with a hash index per merged field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tablesync.sandbox.clock import iso_milliseconds, now_ms
from tablesync.sandbox.ids import airtable_id

Cells = dict[str, Any]


@dataclass(slots=True)
class Field:
    """One column."""

    id: str
    name: str
    type: str
    options: dict[str, Any] | None = None
    description: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return the field as the schema shows it."""
        shown: dict[str, Any] = {"type": self.type, "id": self.id, "name": self.name}
        if self.description:
            shown["description"] = self.description
        if self.options is not None:
            shown["options"] = self.options
        return shown

    @property
    def choices(self) -> list[dict[str, Any]]:
        """The options of a select field."""
        choices: list[dict[str, Any]] = (self.options or {}).get("choices", [])
        return choices


@dataclass(slots=True)
class Row:
    """One record; only cells that are not empty are kept, by field id."""

    id: str
    created: str
    cells: Cells
    modified: str = ""

    def __post_init__(self) -> None:
        self.modified = self.modified or self.created


def merge_key(value: Any) -> Any:
    """Return a cell's value in the form that upsert compares."""
    return tuple(value) if isinstance(value, list) else value


class Index:
    """The ids of the rows by their value in one field."""

    def __init__(self, field_id: str, rows: Iterable[Row]) -> None:
        self.field_id = field_id
        self._ids: dict[Any, str | set[str]] = {}
        for row in rows:
            self.add(merge_key(row.cells.get(field_id)), row.id)

    def add(self, key: Any, row_id: str) -> None:
        """File a row under a value; a lone id is kept without a set, which saves memory."""
        known = self._ids.get(key)
        if known is None:
            self._ids[key] = row_id
        elif isinstance(known, set):
            known.add(row_id)
        else:
            self._ids[key] = {known, row_id}

    def remove(self, key: Any, row_id: str) -> None:
        """Take a row from under a value."""
        known = self._ids.get(key)
        if isinstance(known, set):
            known.discard(row_id)
        elif known == row_id:
            del self._ids[key]

    def find(self, key: Any) -> set[str]:
        """Return the ids of the rows with this value."""
        known = self._ids.get(key)
        if known is None:
            return set()
        return known if isinstance(known, set) else {known}


@dataclass(slots=True)
class Table:
    """One table: its fields in order, the first created is primary, and its rows in order."""

    id: str
    name: str
    fields: dict[str, Field]
    primary_id: str
    view_id: str
    description: str | None = None
    rows: dict[str, Row] = field(default_factory=dict)
    synced: bool = False
    """Whether it is filled from outside, so that nobody writes it."""
    refused: set[tuple[str, str]] = field(default_factory=set)
    """Values that are taken from nobody, each with the id of its field."""
    _indexes: dict[str, Index] = field(default_factory=dict)

    def field_named(self, name_or_id: str) -> Field | None:
        """Return a field by id or by exact name."""
        found = self.fields.get(name_or_id)
        if found:
            return found
        return next((entry for entry in self.fields.values() if entry.name == name_or_id), None)

    def index(self, field_id: str) -> Index:
        """Return the index over a field, built when it is first needed."""
        if field_id not in self._indexes:
            self._indexes[field_id] = Index(field_id, self.rows.values())
        return self._indexes[field_id]

    def matching(self, keys: Mapping[str, Any]) -> set[str]:
        """Return the ids of the rows that have all these values, by field id."""
        found = [self.index(field_id).find(merge_key(value)) for field_id, value in keys.items()]
        return set.intersection(*found)

    def doubles(self, rows: Iterable[Row]) -> bool:
        """Whether one of the rows shares its value in a field by which rows were looked up."""
        return any(
            value is not None and len(index.find(merge_key(value))) > 1
            for row in rows
            for index in self._indexes.values()
            for value in (row.cells.get(index.field_id),)
        )

    def create(self, cells: Cells, row_id: str = "") -> Row:
        """Add a row; None stands for an empty cell."""
        kept = {field_id: value for field_id, value in cells.items() if value is not None}
        row = Row(row_id or airtable_id("rec"), _whole_second(), kept)
        self.rows[row.id] = row
        for index in self._indexes.values():
            index.add(merge_key(kept.get(index.field_id)), row.id)
        return row

    def update(self, row: Row, cells: Mapping[str, Any]) -> None:
        """Change cells of a row; None empties one."""
        for field_id, value in cells.items():
            index = self._indexes.get(field_id)
            if index:
                index.remove(merge_key(row.cells.get(field_id)), row.id)
                index.add(merge_key(value), row.id)
            if value is None:
                row.cells.pop(field_id, None)
            else:
                row.cells[field_id] = value
        row.modified = iso_milliseconds(now_ms())

    def delete(self, row_id: str) -> None:
        """Remove a row."""
        row = self.rows.pop(row_id)
        for index in self._indexes.values():
            index.remove(merge_key(row.cells.get(index.field_id)), row_id)

    def drop_field(self, field_id: str) -> None:
        """Remove a field and its cells."""
        del self.fields[field_id]
        self._indexes.pop(field_id, None)
        for row in self.rows.values():
            row.cells.pop(field_id, None)

    def shown(self) -> dict[str, Any]:
        """Return the table as the schema shows it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "primaryFieldId": self.primary_id,
            "fields": [entry.shown() for entry in self.fields.values()],
            "views": [{"id": self.view_id, "name": "Grid view", "type": "grid"}],
        }
        if self.description:
            shown["description"] = self.description
        return shown


def _whole_second() -> str:
    return iso_milliseconds(int(now_ms()) // 1000 * 1000)


@dataclass(slots=True)
class Base:
    """One base and what each person may do in it."""

    id: str
    name: str
    workspace_id: str
    permissions: dict[str, str]
    """By user id: none, read, comment, edit or create."""
    tables: dict[str, Table] = field(default_factory=dict)
    most_rows: int | None = None
    """How many rows its plan allows in all tables together."""

    def has_room_for(self, rows: int) -> bool:
        """Whether so many more rows fit."""
        there = sum(len(table.rows) for table in self.tables.values())
        return self.most_rows is None or there + rows <= self.most_rows

    def table_named(self, name_or_id: str) -> Table | None:
        """Return a table by id or by exact name."""
        found = self.tables.get(name_or_id)
        if found:
            return found
        return next((entry for entry in self.tables.values() if entry.name == name_or_id), None)
