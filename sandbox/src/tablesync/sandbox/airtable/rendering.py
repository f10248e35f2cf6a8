"""Records as the API shows them: empty cells are left out."""

from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from tablesync.sandbox.web import entries

from . import errors
from .formulas.dates import printed
from .formulas.values import moment
from .tables import Field, Row, Table

# What the formats of a locale are, in the words that formulas print a moment by.
_LONG = {"l": "M/D/YYYY", "LL": "MMMM D, YYYY"}


def flag(value: Any) -> bool:
    """Read a boolean option given as JSON or as text."""
    return value is True or str(value).lower() in ("true", "1")


class View:
    """How one answer shows its records: which fields, under which keys, in which format."""

    def __init__(self, table: Table, options: Mapping[str, Any]) -> None:
        by_id = flag(options.get("returnFieldsByFieldId"))
        names = entries(options.get("fields"), str, errors.invalid_request())
        fields = [_known(table, name) for name in names] if names else list(table.fields.values())
        self._keys = [(field.id, field.id if by_id else field.name) for field in fields]
        self._kinds = {field.id: field for field in fields}
        self._as_text = options.get("cellFormat") == "string"
        if self._as_text and not (options.get("timeZone") and options.get("userLocale")):
            raise errors.invalid_request()
        self._zone = _zone(options.get("timeZone"))
        self._with_comments = "commentCount" in entries(
            options.get("recordMetadata"), str, errors.invalid_request()
        )

    def row(self, row: Row) -> dict[str, Any]:
        """Return one record."""
        cells = row.cells
        fields = {key: cells[field_id] for field_id, key in self._keys if field_id in cells}
        if self._as_text:
            kinds = {key: self._kinds[field_id] for field_id, key in self._keys if key in fields}
            fields = {key: self._text(value, kinds[key]) for key, value in fields.items()}
        shown = {"id": row.id, "createdTime": row.created, "fields": fields}
        return {**shown, "commentCount": 0} if self._with_comments else shown

    def _text(self, value: Any, field: Field) -> str:
        """Return a cell as people see it, a moment in the zone that was asked for."""
        if field.type not in ("date", "dateTime", "createdTime", "lastModifiedTime"):
            return text_of(value)
        options = field.options or {}
        day = str((options.get("dateFormat") or {}).get("format") or "YYYY-MM-DD")
        if field.type == "date":
            return printed(value, _LONG.get(day, day))
        clock = str((options.get("timeFormat") or {}).get("format") or "HH:mm")
        at = moment(value).astimezone(self._zone)
        return printed(at, f"{_LONG.get(day, day)} {clock}")

    def rows(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """Return several records."""
        return [self.row(row) for row in rows]


def _zone(name: Any) -> tzinfo:
    try:
        return UTC if name in (None, "", "utc") else ZoneInfo(str(name))
    except (ValueError, OSError, LookupError):
        raise errors.invalid_request() from None


def _known(table: Table, name: str) -> Any:
    field = table.field_named(str(name))
    if field is None:
        raise errors.unknown_field(str(name))
    return field


def text_of(value: Any) -> str:
    """Return a cell's value as people see it."""
    if isinstance(value, list):
        return ", ".join(map(text_of, value))
    if isinstance(value, dict):
        return str(value.get("name") or value.get("text") or value.get("filename") or value)
    return "checked" if value is True else str(value)
