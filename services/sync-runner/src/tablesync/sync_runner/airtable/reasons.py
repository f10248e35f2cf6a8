"""Says why Airtable refused one record: the field, the value, and what can be done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Self

from tablesync.sync_runner.airtable.cells import Cell, CoercionError, coerce
from tablesync.sync_runner.airtable.errors import RefusedError, TooLargeError
from tablesync.sync_runner.airtable.names import with_names
from tablesync.sync_runner.airtable.schema import SELECTS, Field

LONGEST_VALUE = 40


@dataclass(frozen=True)
class Reason:
    """A sentence for people, and the name of the field to blame, if one is.

    `value` is what that field could not take, cut short, and `remedy` what the sentence ends with.
    """

    text: str
    field: str | None = None
    value: str | None = None
    remedy: str | None = None

    @classmethod
    def of(cls, error: CoercionError) -> Self:
        """Tell why a value is no cell of a field."""
        unfit = error.unfit
        return cls(str(error), error.field, *((unfit.value, unfit.remedy) if unfit else ()))

    @classmethod
    def ending(
        cls, told: str, remedy: str, field: str | None = None, value: str | None = None
    ) -> Self:
        """Tell a reason that ends with its remedy."""
        return cls(f"{told}; {remedy}", field, value, remedy)


def reason_of(
    refused: RefusedError, cells: Mapping[str, Cell], key: Field, fields: Mapping[str, Field]
) -> Reason:
    """Return why a record that stands alone was refused; `fields` are as they are now."""
    if isinstance(refused, TooLargeError):
        return Reason.ending("it is larger than Airtable takes at once", "shorten it at its source")
    if refused.of_double_rows:
        shown = _shown(cells.get(key.id))
        told = f'several rows have the key {shown!r} in "{key.name}"'
        return Reason.ending(told, "delete all but one of them in Airtable", key.name, shown)
    remedy = "look at it at its source, or at the table in Airtable"
    return (
        (unknown_option(cells, fields) or _odd_option(refused, cells, fields))
        if refused.of_options
        else _of_the_named_field(refused, cells, fields)
    ) or Reason.ending(_said(refused, fields), remedy)


def unknown_option(cells: Mapping[str, Cell], fields: Mapping[str, Field]) -> Reason | None:
    """Return which cell is none of its field's options; None if all are."""
    for field, cell in _selects(cells, fields):
        try:
            coerce(tuple(_texts(cell)), field)
        except CoercionError as error:
            return Reason.of(error)
    return None


def names_something(
    refused: RefusedError, cells: Mapping[str, Cell], fields: Mapping[str, Field]
) -> bool:
    """Whether a refusal is about a record's contents: it names a field or a value of it."""
    if refused.of_a_record or _named(refused, fields):
        return True
    values = (each for cell in cells.values() for each in _texts(cell))
    return any(f'"{each}"' in refused.message for each in values)


def _said(refused: RefusedError, fields: Mapping[str, Field]) -> str:
    """Return Airtable's words, with the names of fields beside their ids."""
    names = {each.id: each.name for each in fields.values()}
    return with_names(f"Airtable refused it: {refused.message.rstrip('.')}", names)


def _odd_option(
    refused: RefusedError, cells: Mapping[str, Cell], fields: Mapping[str, Field]
) -> Reason | None:
    """Name the field whose option Airtable takes for another one."""
    selects = list(_selects(cells, fields))
    named = [
        (field, cell)
        for field, cell in selects
        if any(f'"{each}"' in refused.message for each in _texts(cell))
    ]
    for field, cell in named or selects[:1]:
        return _not_taken(field, cell, refused, "rename the option there")
    return None


def _of_the_named_field(
    refused: RefusedError, cells: Mapping[str, Cell], fields: Mapping[str, Field]
) -> Reason | None:
    field = _named(refused, fields)
    if field is None:
        return None
    remedy = "change the value at its source, or map it to another field"
    return _not_taken(field, cells.get(field.id), refused, remedy)


def _not_taken(field: Field, cell: Cell, refused: RefusedError, remedy: str) -> Reason:
    where = f'field "{field.name}" ({field.type})'
    shown = _shown(cell)
    told = f"{where}: Airtable does not take {shown!r} ({refused.message.rstrip('.')})"
    return Reason.ending(told, remedy, field.name, shown)


def _named(refused: RefusedError, fields: Mapping[str, Field]) -> Field | None:
    """Find the field that Airtable names, by id or by name."""
    told = refused.field or ""
    if told in fields:
        return fields[told]
    quoted = (each for each in fields.values() if told == each.name)
    by_id = (each for each in fields.values() if each.id in refused.message)
    return next(chain(quoted, by_id), None)


def _selects(
    cells: Mapping[str, Cell], fields: Mapping[str, Field]
) -> Iterator[tuple[Field, Cell]]:
    for field_id, cell in cells.items():
        field = fields.get(field_id)
        if cell is not None and field is not None and field.type in SELECTS:
            yield field, cell


def _texts(cell: Cell) -> list[str]:
    if isinstance(cell, list):
        return cell
    return [cell] if isinstance(cell, str) else []


def _shown(cell: Cell) -> str:
    shown = ", ".join(cell) if isinstance(cell, list) else str(cell)
    return shown if len(shown) <= LONGEST_VALUE else shown[:LONGEST_VALUE] + "…"
