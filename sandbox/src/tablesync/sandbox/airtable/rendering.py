"""Records as the API shows them: empty cells are left out."""

from collections.abc import Iterable, Mapping
from typing import Any

from tablesync.sandbox.web import entries

from . import errors
from .tables import Row, Table


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
        self._as_text = options.get("cellFormat") == "string"
        if self._as_text and not (options.get("timeZone") and options.get("userLocale")):
            raise errors.invalid_request()
        self._with_comments = "commentCount" in entries(
            options.get("recordMetadata"), str, errors.invalid_request()
        )

    def row(self, row: Row) -> dict[str, Any]:
        """Return one record."""
        cells = row.cells
        fields = {key: cells[field_id] for field_id, key in self._keys if field_id in cells}
        if self._as_text:
            fields = {key: _text(value) for key, value in fields.items()}
        shown = {"id": row.id, "createdTime": row.created, "fields": fields}
        return {**shown, "commentCount": 0} if self._with_comments else shown

    def rows(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """Return several records."""
        return [self.row(row) for row in rows]


def _known(table: Table, name: str) -> Any:
    field = table.field_named(str(name))
    if field is None:
        raise errors.unknown_field(str(name))
    return field


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return str(value.get("name") or value.get("text") or value.get("filename") or value)
    return "checked" if value is True else str(value)
