"""Columns: what a plan writes of which property into which field."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from functools import cached_property, partial
from operator import attrgetter
from zoneinfo import ZoneInfo

from tablesync.contracts import MappedAs
from tablesync.sync_runner.airtable.cells import Cell, Converter, converter, shows_words
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.sources.base import SourceProperty
from tablesync.sync_runner.values import Unit, Value, ValueKind, WrittenNumber

# What is done to values that earlier versions did not do.
SECONDS, DAYS_IN, EXACT = "seconds", "days in ", "exact numbers"
_NUMBERS = {"number", "currency", "percent", "duration"}
_SECONDS = {
    Unit.MILLISECONDS: Decimal("0.001"),
    Unit.SECONDS: Decimal(1),
    Unit.MINUTES: Decimal(60),
    Unit.HOURS: Decimal(3_600),
}
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


@dataclass(frozen=True)
class Column:
    """A mapped property, and the field that it is written to."""

    source: SourceProperty
    field: Field
    mapped_as: MappedAs | None = None

    @property
    def conversion(self) -> str | None:
        """What is done to its values that earlier versions did not do, if anything is."""
        if self.field.type == "duration" and self.source.unit is not None:
            return SECONDS
        zone = str(self.source.zone)
        if self.field.type == "date" and self.source.kind is ValueKind.MOMENT and zone != "UTC":
            return DAYS_IN + zone
        return None

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers of any size."""
        return self.field.type in _NUMBERS

    def before(self, conversions: Collection[str]) -> "Column":
        """Return it as its values were converted when no more than these conversions were done."""
        zones = [each.removeprefix(DAYS_IN) for each in conversions if each.startswith(DAYS_IN)]
        zone = _zone(zones[0]) if zones else UTC
        unit = self.source.unit if SECONDS in conversions else None
        return replace(self, source=replace(self.source, unit=unit, zone=zone))

    @cached_property
    def cell(self) -> Converter:
        """What returns the cell of a value, or raises CoercionError."""
        convert = converter(self.field, self.source.zone)
        if self.source.unit is not None and self.field.type == "duration":
            convert = _after(partial(_multiplied, by=_SECONDS[self.source.unit]), convert)
        if self._shows_labels:
            convert = _after(self._labelled, convert)
        return convert

    @cached_property
    def parts(self) -> tuple[str, str, Converter]:
        """Its field's id, its property's name, and what makes its cells."""
        return self.field.id, self.source.name, self.cell

    @property
    def _shows_labels(self) -> bool:
        """Whether options are told by their labels: a number or a box takes the value itself."""
        wanted = self.mapped_as is MappedAs.LABEL and bool(self.source.options)
        return wanted and shows_words(self.field.type)

    def _labelled(self, value: Value) -> Value:
        """Return what people see of an option: one that is not defined has no label."""
        labels = self.source.labels
        if isinstance(value, str):
            return labels.get(value) or labels.get(value.strip(), value)
        if isinstance(value, tuple):
            return tuple([labels.get(each, each) for each in value])
        if isinstance(value, bool):
            return labels.get(str(value).lower(), value)
        return labels.get(str(value), value) if isinstance(value, Decimal) else value


def _after(change: Callable[[Value], Value], convert: Converter) -> Converter:
    return lambda value: convert(change(value))


def _multiplied(value: Value, by: Decimal) -> Value:
    """Multiply a number with all its digits; what is none, or has no end, the field refuses."""
    if not isinstance(value, Decimal) or not value.is_finite():
        return value
    return WrittenNumber(str(value), _EXACT.multiply(value, by))


def _zone(name: str) -> tzinfo:
    """Return a time zone; UTC for one that nobody knows any more: then whole rows are written."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return UTC


_PARTS = attrgetter("parts")


def cells_of(values: Mapping[str, Value], columns: Iterable[Column]) -> dict[str, Cell]:
    """Return the cells of one record by field id; raises CoercionError for the first that fails."""
    parts = map(_PARTS, columns)
    return {field_id: cell(values.get(name)) for field_id, name, cell in parts}


def reads(columns: Iterable[Column]) -> list[SourceProperty]:
    """Return the properties that columns are read from, each once."""
    return list({each.source.name: each.source for each in columns}.values())
