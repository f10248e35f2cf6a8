"""Cells as Airtable would show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from tablesync.contracts.internal_api import AirtableField
from tablesync.contracts.public_api.catalog import CellFault, Trial, TriedRecord
from tablesync.dashboard.shown.making.fields import NUMBERS, SELECTS
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.shown.words import THIN

LONGEST = 80
# Colours of select options that the page has, by how Airtable's names of them begin.
_COLOURS = {"green": "a", "teal": "a", "cyan": "b2", "blue": "b2", "yellow": "c", "orange": "c"}


@dataclass(frozen=True)
class ShownCell:
    """A cell; one with a fault would not be written, and nothing else of its record."""

    text: str
    options: Sequence[tuple[str, str]] = ()
    is_number: bool = False
    is_checked: bool = False
    fault: CellFault | None = None


@dataclass(frozen=True)
class ShownRecord:
    """A record that was tried: its cells in the order of the columns."""

    source_id: str
    cells: Sequence[ShownCell]
    faults: Sequence[CellFault]


def shown_trial(trial: Trial, fields: Sequence[AirtableField], clock: Clock) -> list[ShownRecord]:
    """Show the records of a trial."""
    return [_shown_record(each, fields, clock) for each in trial.records]


def shown_cell(value: Any, field: AirtableField, clock: Clock) -> ShownCell:
    """Show a value as its field would."""
    if value is None:
        return ShownCell("")
    if field.type == "checkbox":
        return ShownCell("", is_checked=value is True)
    if field.type in SELECTS:
        names = value if isinstance(value, list) else [value]
        return ShownCell("", options=[(str(name), _colour(field, name)) for name in names])
    if field.type in NUMBERS:
        return ShownCell(_number(value, field), is_number=True)
    if field.type in ("date", "dateTime"):
        return ShownCell(_day(str(value), clock))
    return ShownCell(told(value))


def told(value: Any) -> str:
    """Return any value as text, cut short."""
    if isinstance(value, Mapping):
        value = value.get("text", value)
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    if isinstance(value, bool):
        value = "yes" if value else "no"
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _shown_record(
    record: TriedRecord, fields: Sequence[AirtableField], clock: Clock
) -> ShownRecord:
    by_field = {each.field_id: each for each in record.faults}
    cells = []
    for field in fields:
        if fault := by_field.get(field.id):
            cells.append(ShownCell(fault.value or "", fault=fault))
        else:
            cells.append(shown_cell(record.cells.get(field.id), field, clock))
    return ShownRecord(record.source_id, cells, record.faults)


def _number(value: Any, field: AirtableField) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return told(value)
    match field.type:
        case "duration":
            return _duration(number)
        case "percent":
            return f"{_spaced(number * 100, field)} %"
        case "currency":
            symbol = str(field.options.get("symbol", ""))
            return f"{symbol}{THIN if symbol else ''}{_spaced(number, field)}"
    return _spaced(number, field)


def _spaced(number: Decimal, field: AirtableField) -> str:
    precision = field.options.get("precision")
    if isinstance(precision, int) and 0 <= precision <= 8:  # noqa: PLR2004 - Airtable's own bounds
        return f"{number:,.{precision}f}".replace(",", THIN)
    return f"{number.normalize():,f}".replace(",", THIN)


def _duration(seconds: Decimal) -> str:
    minutes, rest = divmod(abs(int(seconds)), 60)
    sign = "-" if seconds < 0 else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _day(told_day: str, clock: Clock) -> str:
    try:
        moment = datetime.fromisoformat(told_day)
    except ValueError:
        return told_day
    if "T" not in told_day:
        day = date.fromisoformat(told_day)
        return f"{day.day} {day:%b} {day.year}"
    local = moment.astimezone(clock.zone)
    return f"{local.day} {local:%b} {local.year}, {local:%H:%M}"


def _colour(field: AirtableField, name: object) -> str:
    choices = field.options.get("choices")
    for each in choices if isinstance(choices, list) else ():
        if isinstance(each, Mapping) and each.get("name") == name:
            colour = str(each.get("color", ""))
            return next((c for begin, c in _COLOURS.items() if colour.startswith(begin)), "")
    return ""
