"""Cell values: which a field takes, with and without typecast, and how they are stored.

Every reader returns the stored form, None for an empty cell, and raises ValueError for a value
that its type does not take.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from tablesync.sandbox.clock import iso_milliseconds, parse_instant
from tablesync.sandbox.ids import airtable_id

from . import errors
from .field_types import COMPUTED, PLAIN, new_choice
from .tables import Cells, Field, Table

LONGEST_TEXT = 100_000
_RECORD_ID = re.compile(r"rec[A-Za-z0-9]{14}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TRUE, _FALSE = {"true", "yes", "1", "checked", "y", "on"}, {"false", "no", "0", "", "n", "off"}

Reader = Callable[[Field, Any, bool], Any]


class CellReader:
    """Reads the cells of one request; select options that typecast adds wait for its success."""

    def __init__(
        self,
        table: Table,
        typecast: bool,
        may_add_options: bool,
        tables: Mapping[str, Table] | None = None,
    ) -> None:
        self._table, self._typecast = table, typecast
        self._tables = tables or {}
        self._new_links: dict[tuple[str, str], str] = {}
        self._may_add_options = may_add_options
        self._new_options: dict[str, list[str]] = {}
        self._options_of: dict[str, set[str]] = {}
        self._fields = {entry.name: entry for entry in table.fields.values()} | table.fields

    def read(self, fields: dict[str, Any]) -> Cells:
        """Return stored values by field id; raise the 422 refusal of the first bad cell."""
        return dict(self._cell(name, value) for name, value in fields.items())

    def _cell(self, name: str, value: Any) -> tuple[str, Any]:
        field = self._fields.get(name)
        if field is None:
            raise errors.unknown_field(name)
        if field.type in COMPUTED:
            raise errors.invalid_value(field.name, "the field is computed")
        if value is None or (isinstance(value, (str, list)) and not value):
            return field.id, None
        if (field.id, str(value)) in self._table.refused:
            raise errors.invalid_value(field.name)
        try:
            return field.id, self._stored(field, value)
        except (ValueError, OverflowError):
            raise errors.invalid_value(field.name) from None

    def _stored(self, field: Field, value: Any) -> Any:
        if field.type == "singleSelect":
            return self._option(field, value)
        if field.type == "multipleSelects":
            return self._options(field, value)
        if field.type == "multipleRecordLinks":
            return self._links(field, value)
        return _READERS[field.type](field, value, self._typecast)

    def _option(self, field: Field, value: Any) -> str:
        if self._typecast and isinstance(value, (int, float)):
            value = _text(field, value, True)
        if not isinstance(value, str):
            raise ValueError(value)
        known = self._known_options(field)
        if value not in known:
            if not (self._typecast and self._may_add_options):
                raise errors.unknown_option(value)
            known.add(value)
            self._new_options.setdefault(field.id, []).append(value)
        return value

    def _known_options(self, field: Field) -> set[str]:
        if field.id not in self._options_of:
            self._options_of[field.id] = {choice["name"] for choice in field.choices}
        return self._options_of[field.id]

    def _options(self, field: Field, value: Any) -> list[str]:
        if isinstance(value, str) and self._typecast:
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list):
            raise ValueError(value)
        return [self._option(field, entry) for entry in dict.fromkeys(value)]

    def _links(self, field: Field, value: Any) -> list[str]:
        """Return record ids; typecast looks records up by their primary field, or makes them."""
        linked = self._tables.get(str((field.options or {})["linkedTableId"]))
        if self._typecast and isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if linked is None or not isinstance(value, list):
            raise ValueError(value)
        return [self._link(linked, entry) for entry in dict.fromkeys(value)]

    def _link(self, linked: Table, entry: Any) -> str:
        if not isinstance(entry, str):
            raise ValueError(entry)
        if entry in linked.rows:
            return entry
        if _RECORD_ID.fullmatch(entry):
            raise errors.row_does_not_exist(entry)
        if not self._typecast:
            raise ValueError(entry)
        found = linked.matching({linked.primary_id: entry})
        if found:
            return min(found)
        return self._new_links.setdefault((linked.id, entry), airtable_id("rec"))

    def commit(self) -> None:
        """Add the select options and the linked records that typecast called for."""
        for (table_id, name), row_id in self._new_links.items():
            table = self._tables[table_id]
            table.create({table.primary_id: name}, row_id)
        for field_id, names in self._new_options.items():
            choices = self._table.fields[field_id].choices
            for name in names:
                choices.append(new_choice(name, len(choices)))


def _text(_: Field, value: Any, typecast: bool) -> str:
    if typecast and isinstance(value, (int, float)):
        value = str(value).lower() if isinstance(value, bool) else f"{value:.15g}"
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError(value)
    return value


def _number(_: Field, value: Any, typecast: bool) -> float | int:
    if typecast and isinstance(value, str):
        value = float(value.replace(",", "").strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(value)
    if not math.isfinite(value):
        raise ValueError(value)
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def _rating(field: Field, value: Any, typecast: bool) -> int | None:
    number = _number(field, value, typecast)
    if not isinstance(number, int) or not 0 <= number <= (field.options or {}).get("max", 10):
        raise ValueError(value)
    return number or None


def _checkbox(_: Field, value: Any, typecast: bool) -> bool | None:
    if typecast and isinstance(value, (str, int)):
        text = str(value).strip().lower()
        if text not in _TRUE | _FALSE:
            raise ValueError(value)
        value = text in _TRUE
    if not isinstance(value, bool):
        raise ValueError(value)
    return value or None


def _date(_: Field, value: Any, typecast: bool) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    if typecast and not _DAY.fullmatch(value):
        return iso_milliseconds(parse_instant(value))[:10]
    if not _DAY.fullmatch(value):
        raise ValueError(value)
    return date.fromisoformat(value).isoformat()


def _date_time(_: Field, value: Any, typecast: bool) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return iso_milliseconds(parse_instant(value.strip() if typecast else value))


def _attachments(_: Field, value: Any, __: bool) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(v, dict) and "url" in v for v in value):
        raise ValueError(value)
    return [
        {
            "id": airtable_id("att"),
            "url": entry["url"],
            "filename": entry.get("filename") or str(entry["url"]).rsplit("/", 1)[-1],
            "size": 0,
            "type": "application/octet-stream",
        }
        for entry in value
    ]


def _collaborator(_: Field, value: Any, __: bool) -> dict[str, Any]:
    if not isinstance(value, dict) or not {"id", "email"} & set(value):
        raise ValueError(value)
    return value


def _collaborators(field: Field, value: Any, typecast: bool) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise ValueError(value)
    return [_collaborator(field, entry, typecast) for entry in value]


def _barcode(_: Field, value: Any, __: bool) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise ValueError(value)
    return value


def _rich_text(field: Field, value: Any, typecast: bool) -> str:
    """Return Markdown as Airtable prints what it has made of it: its last line ends, too."""
    return _text(field, value, typecast).rstrip() + "\n"


_READERS: dict[str, Reader] = {
    **dict.fromkeys(PLAIN, _text),
    "richText": _rich_text,
    **dict.fromkeys(("number", "currency", "percent", "duration"), _number),
    "rating": _rating,
    "checkbox": _checkbox,
    "date": _date,
    "dateTime": _date_time,
    "multipleAttachments": _attachments,
    "singleCollaborator": _collaborator,
    "multipleCollaborators": _collaborators,
    "barcode": _barcode,
}
