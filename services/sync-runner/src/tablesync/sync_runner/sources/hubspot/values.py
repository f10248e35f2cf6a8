"""HubSpot's dialect: every value is a text, and its property's definition says of what.

A list is joined by `;`, a moment is ISO 8601 or unix milliseconds, nothing is null or `""`. What
does not fit its definition stays the text that it is, for its field to take or to refuse.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tablesync.sync_runner.sources.base import SourceProperty, shown
from tablesync.sync_runner.values import Value, ValueKind, WrittenNumber, WrittenTexts

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,6})?", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{1,15}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
SHOWN = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOOLS = {"true": True, "false": False}


class UnfitValueError(ValueError):
    """A property has what none of HubSpot's can have; the message names it."""


def read_value(told: Any, property_: SourceProperty) -> Value:
    """Return what a property stands for; raises UnfitValueError where it is no text at all."""
    if told is None or told == "":
        return None
    text = told if isinstance(told, str) else _text_of(told, property_)
    if property_.kind is ValueKind.TEXT:
        return text
    try:
        return _READERS[property_.kind](text)
    except (ValueError, OverflowError):
        return text


def _text_of(told: Any, property_: SourceProperty) -> str:
    """Return the text of what is none; numbers and truth values are as good as theirs."""
    if isinstance(told, bool):
        return str(told).lower()
    if isinstance(told, int | float):
        return repr(told)
    raise UnfitValueError(f'property "{property_.name}" holds no text, but {shown(told)[:SHOWN]}')


def _number(text: str) -> Value:
    return WrittenNumber(text) if _NUMBER.fullmatch(text.strip()) else text


def _bool(text: str) -> Value:
    return _BOOLS.get(text.strip().lower(), text)


def _date(text: str) -> Value:
    trimmed = text.strip()
    if _MILLISECONDS.fullmatch(trimmed):
        return _after_epoch(trimmed).date()
    return date.fromisoformat(trimmed) if _DAY.fullmatch(trimmed) else text


def _moment(text: str) -> Value:
    trimmed = text.strip()
    if not trimmed.endswith("Z") and _MILLISECONDS.fullmatch(trimmed):
        return _after_epoch(trimmed)
    moment = datetime.fromisoformat(trimmed)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _texts(text: str) -> Value:
    parts = [each.strip() for each in text.split(";")]
    return WrittenTexts.of(dict.fromkeys([each for each in parts if each]), text) or None


def _after_epoch(milliseconds: str) -> datetime:
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


_READERS: Mapping[ValueKind, Callable[[str], Value]] = {
    ValueKind.NUMBER: _number,
    ValueKind.BOOL: _bool,
    ValueKind.DATE: _date,
    ValueKind.MOMENT: _moment,
    ValueKind.TEXTS: _texts,
}
