"""Turns a source's values, all text, into the cells that an Airtable field of a type takes.

A cell of None is an empty one: Airtable leaves it out when read and clears it when written.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from tablesync.contracts import FieldMapping
from tablesync.sync_runner.airtable.schema import Field

Cell = str | int | float | bool | list[str] | dict[str, str] | None

MAX_TEXT = 100_000
_EPOCH_MILLISECONDS = re.compile(r"^-?\d{11,14}$")
_TRUE = {"true", "yes", "1"}
_FALSE = {"false", "no", "0"}


class CoercionError(ValueError):
    """A value that no cell of its field can hold; the message names field and reason."""

    def __init__(self, field: Field, reason: str) -> None:
        super().__init__(f'field "{field.name}" ({field.type}): {reason}')
        self.field = field.name


def coerce_record(
    properties: Mapping[str, str | None],
    mapping: Iterable[FieldMapping],
    fields: Mapping[str, Field],
) -> dict[str, Cell]:
    """Return the cells of one record by field id; `properties` holds its record id as `id`.

    Raises CoercionError for the first value that does not fit its field.
    """
    return {
        each.field_id: coerce(properties.get(each.source), fields[each.field_id])
        for each in mapping
    }


def coerce(value: str | None, field: Field) -> Cell:
    """Return the cell of one value; raises CoercionError, also for a field nobody can write."""
    convert = _CONVERTERS.get(field.type)
    if convert is None:
        raise CoercionError(field, "cannot be written by a sync")
    if value is None or value == "":
        return None
    try:
        return convert(value, field)
    except (ValueError, OverflowError) as error:
        raise CoercionError(field, str(error)) from error


def is_writable(field_type: str) -> bool:
    """Whether a sync can write fields of this type."""
    return field_type in _CONVERTERS


def _text(value: str, _: Field) -> Cell:
    if len(value) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT:,} characters")
    return value


def _number(value: str, _: Field) -> Cell:
    number = _decimal(value)
    if number == number.to_integral_value() and abs(number) < 2**53:
        return int(number)
    return float(number)


def _rating(value: str, field: Field) -> Cell:
    number = _decimal(value)
    told = field.options.get("max")
    highest = told if isinstance(told, int) else 10
    if number != number.to_integral_value() or not 0 <= number <= highest:
        raise ValueError(f"{_shown(value)} is not a whole number from 0 to {highest}")
    return int(number) or None


def _checkbox(value: str, _: Field) -> Cell:
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return None
    raise ValueError(f"{_shown(value)} is neither true nor false")


def _choices(value: str, _: Field) -> Cell:
    return list(dict.fromkeys(part for part in value.split(";") if part.strip())) or None


def _date(value: str, _: Field) -> Cell:
    return _moment(value).date().isoformat()


def _date_time(value: str, _: Field) -> Cell:
    return _moment(value).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _barcode(value: str, field: Field) -> Cell:
    _text(value, field)
    return {"text": value}


def _decimal(value: str) -> Decimal:
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        raise ValueError(f"{_shown(value)} is not a number") from None
    if not number.is_finite() or abs(number) > Decimal("1e300"):
        raise ValueError(f"{_shown(value)} is not a finite number")
    return number


def _moment(value: str) -> datetime:
    text = value.strip()
    if _EPOCH_MILLISECONDS.match(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{_shown(value)} is not a date") from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def _shown(value: str) -> str:
    """Quote a value shortly: a reason is read by people and kept for weeks."""
    return repr(value if len(value) <= 40 else value[:40] + "…")  # noqa: PLR2004


Converter = Callable[[str, Field], Cell]
_CONVERTERS: Mapping[str, Converter] = {
    "singleLineText": _text,
    "multilineText": _text,
    "richText": _text,
    "email": _text,
    "url": _text,
    "phoneNumber": _text,
    "number": _number,
    "currency": _number,
    "percent": _number,
    "duration": _number,
    "rating": _rating,
    "checkbox": _checkbox,
    "singleSelect": _text,
    "multipleSelects": _choices,
    "date": _date,
    "dateTime": _date_time,
    "barcode": _barcode,
}
