"""The shop's dialect, read: cents, comma lists, flags, days as people write them, offsets."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tablesync.sync_runner.access.answers import Answer
from tablesync.sync_runner.sources.base import GONE, SourceProperty, SourceRecord
from tablesync.sync_runner.values import Option, Unit, Value, ValueKind

_KINDS = {
    "cents": ValueKind.NUMBER,
    "minutes": ValueKind.NUMBER,
    "list": ValueKind.TEXTS,
    "flag": ValueKind.BOOL,
    "day": ValueKind.DATE,
    "instant": ValueKind.MOMENT,
}
_READERS: Mapping[str, Callable[[Any], Value]] = {
    "cents": lambda it: Decimal(it) / 100,
    "minutes": Decimal,
    "list": lambda it: tuple(each.strip() for each in it.split(",")),
    "flag": lambda it: it == "Y",
    "day": lambda it: datetime.strptime(it, "%d/%m/%Y").replace(tzinfo=UTC).date(),
    "instant": lambda it: datetime.fromisoformat(it).astimezone(UTC),
}
OWN_PROPERTIES = (
    SourceProperty("id", "Record ID", "line"),
    SourceProperty(GONE, "Deleted at source", "flag", ValueKind.BOOL),
)


class Choice(Answer):
    """What a field can be, and what people see."""

    code: str
    shown: str


class Definition(Answer):
    """A field of an object."""

    name: str
    label: str
    type: str
    choices: tuple[Choice, ...]


class Told(Answer):
    """A record as it is told."""

    id: str
    changed_ms: int
    deleted: bool
    values: Mapping[str, Any]


def read_definition(told: Definition, zone: ZoneInfo) -> SourceProperty:
    """Return a field as every source offers it."""
    return SourceProperty(
        name=told.name,
        label=told.label,
        type=told.type,
        kind=_KINDS.get(told.type, ValueKind.TEXT),
        options=tuple(Option(each.code, each.shown) for each in told.choices),
        unit=Unit.MINUTES if told.type == "minutes" else None,
        zone=zone,
    )


def read_record(told: Told, properties: list[SourceProperty]) -> SourceRecord:
    """Return a record as every source offers it."""
    own: dict[str, Value] = {"id": told.id, GONE: told.deleted}
    values = {each.name: _value(told.values[each.name], each) for each in properties}
    return SourceRecord(told.id, {**values, **own}, gone=told.deleted)


def _value(told: Any, property_: SourceProperty) -> Value:
    if told == "":
        return None
    try:
        return _READERS.get(property_.type, str)(told)
    except (ValueError, ArithmeticError, TypeError):
        return str(told)
