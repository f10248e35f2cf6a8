"""Turns values into the cells that an Airtable field of a type takes.

A cell of None is an empty one: Airtable leaves it out when read and clears it when written.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from tablesync.sync_runner.airtable.schema import SELECTS, Field
from tablesync.sync_runner.values import Value, WrittenNumber, WrittenTexts

Cell = str | int | float | bool | list[str] | dict[str, str] | None

MAX_TEXT = 100_000
OPTIONS_SHOWN = 10
# The largest exponent of a double; a Decimal with a larger one may not even be multiplied out.
_LARGEST_EXPONENT = 308
# Below it a double keeps every whole number.
EXACT_BELOW = 2**53
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UTC_OFFSET = "+00:00"
# A double keeps so many digits of any decimal number that is not among the very smallest.
_KEPT_DIGITS, _SMALLEST = 15, 1e-290
# Texts of any property: only what is a number, and what is a moment, in every dialect. Unix
# milliseconds are those of this century and the next two: what is shorter may be a phone number.
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_MILLISECONDS = re.compile(r"\d{13}", re.ASCII)
_TRUE = {"true", "yes", "1"}
_FALSE = {"false", "no", "0"}
# What no cell holds: control characters, a byte order mark, half of a surrogate pair.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffe\uffff\ud800-\udfff]")
_HALVES = re.compile("[\ud800-\udfff]")


class Unfit(NamedTuple):
    """A value that no cell of a field holds, cut short; why not; and what can be done about it."""

    value: str
    why: str
    remedy: str


class _UnfitError(ValueError):
    """Why a value fits no cell, with the value and the remedy."""

    def __init__(self, value: Value, why: str, remedy: str) -> None:
        self.unfit = Unfit(_cut_short(_as_text(value)), why, remedy)
        super().__init__(f"{self.unfit.value!r} {why}; {remedy}")


class CoercionError(ValueError):
    """A value that no cell of its field can hold; the message names field, value and remedy.

    `unfit` says the same in parts; None where nothing can be written to the field at all.
    """

    def __init__(self, field: Field, reason: str, unfit: Unfit | None = None) -> None:
        super().__init__(f'field "{field.name}" ({field.type}): {reason}')
        self.field = field.name
        self.unfit = unfit


Converter = Callable[[Value], Cell]


def converter(field: Field, zone: tzinfo = UTC) -> Converter:
    """Return what makes the cells of a field, or raises CoercionError.

    A moment becomes the day that it is in `zone`; a text that tells one, the day that it is in UTC.
    Raises CoercionError for a field nobody can write.
    """
    convert, how = _unguarded(field, zone)
    keeps_spaces = field.type in _TEXTS

    def guarded(value: Value) -> Cell:
        if value is None or value == "" or (not keeps_spaces and is_blank(value)):
            return None
        try:
            return convert(value, how)
        except _UnfitError as error:
            raise CoercionError(field, str(error), error.unfit) from error
        except (ValueError, ArithmeticError) as error:
            unfit = _UnfitError(value, "cannot be written", _AS_TEXT)
            raise CoercionError(field, str(unfit), unfit.unfit) from error

    return guarded


def coerce(value: Value, field: Field, zone: tzinfo = UTC) -> Cell:
    """Return the cell of one value; raises CoercionError, also for a field nobody can write."""
    return converter(field, zone)(value)


def is_blank(value: Value | Cell) -> bool:
    """Whether a value is nothing to whoever reads it."""
    return value is None or (isinstance(value, str) and not _clean(value).strip())


def read_cell(told: Any) -> Cell:
    """Return a cell that Airtable shows as it would be sent: a number has two spellings."""
    if isinstance(told, float) and told.is_integer() and abs(told) < EXACT_BELOW:
        return int(told)
    if isinstance(told, int) and not isinstance(told, bool) and abs(told) >= EXACT_BELOW:
        return float(told)
    return told  # type: ignore[no-any-return]  # whatever else it is: it is compared


def shows_words(field_type: str) -> bool:
    """Whether cells of this type are words for people, so that an option is told by its label."""
    return field_type in _TEXTS or field_type in SELECTS or field_type == "barcode"


def is_writable(field_type: str) -> bool:
    """Whether a sync can write fields of this type."""
    return field_type in _CONVERTERS or field_type in _DAYS


def _unguarded(field: Field, zone: tzinfo) -> tuple[Callable[[Value, Any], Cell], Field | tzinfo]:
    """Return what makes cells of values, and what it has to know for it."""
    if field.type in _DAYS:
        return _DAYS[field.type], zone
    convert = _CONVERTERS.get(field.type)
    if convert is None:
        raise CoercionError(field, "cannot be written by a sync")
    return convert, field


def _text(value: Value, field: Field) -> Cell:
    text = _as_text(value)
    if len(text) > MAX_TEXT:
        why = f"is longer than {MAX_TEXT:,} characters"
        raise _UnfitError(value, why, "shorten it at its source")
    return text or None


def _number(value: Value, field: Field) -> Cell:
    """Write a number only as what it is: a double must not change it."""
    number = _as_decimal(value)
    double = float(number)
    digits = Decimal.__str__(number)  # a written number's own text may be in another unit
    if len(digits) <= _KEPT_DIGITS and _SMALLEST < abs(double) < EXACT_BELOW:
        return int(double) if double.is_integer() else double
    if number.is_zero():
        return 0
    if number == number.to_integral_value() and abs(number) < EXACT_BELOW:
        return int(number)
    if Decimal(repr(double)) != number:
        raise _UnfitError(value, "has more digits than a number keeps", _AS_TEXT)
    return double


_AS_TEXT = "map it to a text field"


def _rating(value: Value, field: Field) -> Cell:
    number = _as_decimal(value)
    told = field.options.get("max")
    highest = told if isinstance(told, int) else 10
    if not 0 <= number <= highest or number != number.to_integral_value():
        why = f"is not a whole number from 0 to {highest}"
        raise _UnfitError(value, why, "map it to a number field")
    return int(number) or None


def _checkbox(value: Value, field: Field) -> Cell:
    if isinstance(value, bool):
        return value or None
    word = _as_text(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return None
    raise _UnfitError(value, "is neither true nor false", _AS_TEXT)


def _choice(value: Value, field: Field) -> Cell:
    if isinstance(value, str) and value in field.option_by_name:
        return field.option_by_name[value]
    if isinstance(value, tuple) and len(value) > 1:
        raise _UnfitError(value, "is a list", "map it to a multiple select")
    chosen = _chosen(value, field)
    return chosen[0] if chosen else None


def _choices(value: Value, field: Field) -> Cell:
    return _chosen(value, field) or None


def _chosen(value: Value, field: Field) -> list[str]:
    """Return the field's own options: spaces around a name do not tell it from another."""
    wanted = value if isinstance(value, tuple) else (_as_text(value),)
    found = [_option(each, field) for each in wanted]
    return list(dict.fromkeys([each for each in found if each.strip()]))


def _option(told: str, field: Field) -> str:
    """Return the field's own option of a name; nothing for one that is blank."""
    options, by_name = field.choices, field.option_by_name
    if told in by_name:
        return by_name[told]
    name = _clean(told)
    if options is None or not name.strip():
        return name
    if found := by_name.get(name) or by_name.get(name.strip()):
        return found
    known = ", ".join(map(repr, options[:OPTIONS_SHOWN])) or "none"
    more = f" and {len(options) - OPTIONS_SHOWN} more" if len(options) > OPTIONS_SHOWN else ""
    remedy = "add it in Airtable, or change the value at its source"
    raise _UnfitError(name, f"is no option of it, which has {known}{more}", remedy)


def _barcode(value: Value, field: Field) -> Cell:
    text = _text(value, field)
    return {"text": text} if isinstance(text, str) else None


def _date(value: Value, zone: tzinfo) -> Cell:
    found = _as_moment(value)
    where = UTC if isinstance(value, str) else zone
    day = found.astimezone(where).date() if isinstance(found, datetime) else found
    return day.isoformat()


def _date_time(value: Value, zone: tzinfo) -> Cell:
    found = _as_moment(value)
    if not isinstance(found, datetime):
        found = datetime.combine(found, time(), UTC)
    # orjson prints a moment in a fifth of the time that `isoformat` takes.
    printed = orjson.dumps(_in_utc(found), option=orjson.OPT_UTC_Z).decode()
    return (printed[1:24] if found.microsecond else f"{printed[1:20]}.000") + "Z"


def _in_utc(moment: datetime) -> datetime:
    """Return a moment by UTC's clock."""
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def _as_text(value: Value) -> str:
    """Print a value as its source would, had it no types."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, tuple):
        return _clean(str(value) if isinstance(value, WrittenTexts) else ";".join(value))
    if isinstance(value, Decimal) and not isinstance(value, WrittenNumber):
        return _digits(value)
    return str(value)


def _digits(number: Decimal) -> str:
    """Print a number without an exponent, unless that would be a very long one."""
    return f"{number:f}" if abs(number.adjusted()) <= _LARGEST_EXPONENT else str(number)


def _clean(text: str) -> str:
    if text.isprintable() or not _UNFIT.search(text):  # most are, and that is quickly seen
        return text
    return _UNFIT.sub("", _HALVES.sub("\ufffd", text))


def _instant(moment: datetime) -> str:
    """Print a moment as RFC 3339, UTC, with milliseconds if it has any."""
    try:
        utc = _in_utc(moment)
    except OverflowError:  # in the first or the last year that a calendar knows
        return moment.isoformat()
    told = utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds")
    return told.removesuffix(_UTC_OFFSET) + "Z"


def _as_decimal(value: Value) -> Decimal:
    """Return a number that a double can hold; a text is one only in plain digits."""
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if not isinstance(value, Decimal):
        raise _UnfitError(value, "is not a number", _AS_TEXT)
    if not value.is_finite() or (value and value.adjusted() > _LARGEST_EXPONENT):
        raise _UnfitError(value, "is not a finite number", _AS_TEXT)
    return value


def _as_moment(value: Value) -> date | datetime:
    """Return a day or a moment; a text without a time is a day, one without a zone is UTC."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise _UnfitError(value, "is not a date", _AS_TEXT)
    text = value.strip()
    try:
        if _MILLISECONDS.fullmatch(text):
            return _EPOCH + timedelta(milliseconds=int(text))
        if len(text) == len("2026-03-01"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise _UnfitError(value, "is not a date", _AS_TEXT) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _cut_short(text: str) -> str:
    """Return a text shortly: a reason is read by people and kept for weeks."""
    return text if len(text) <= 40 else text[:40] + "…"  # noqa: PLR2004


_TEXTS = ("singleLineText", "multilineText", "richText", "email", "url", "phoneNumber")
_CONVERTERS: Mapping[str, Callable[..., Cell]] = {
    **dict.fromkeys(_TEXTS, _text),
    "number": _number,
    "currency": _number,
    "percent": _number,
    "duration": _number,
    "rating": _rating,
    "checkbox": _checkbox,
    "singleSelect": _choice,
    "multipleSelects": _choices,
    "barcode": _barcode,
}
_DAYS: Mapping[str, Callable[..., Cell]] = {"date": _date, "dateTime": _date_time}
