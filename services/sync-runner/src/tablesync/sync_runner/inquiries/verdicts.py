"""What to make of a record, in a sentence or two: where it stands, and what will become of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.contracts.public_api.catalog import CellFault
from tablesync.sync_runner.inquiries.known_records import KnownRecord
from tablesync.sync_runner.sources.base import UNTOLD

SHOWN = 5


@dataclass(frozen=True)
class Findings:
    """What was found of a record at both ends.

    `differ` are the fields in which its row is not what the source has; it is `unwritten` as it is
    now unless that is what was last written of it.
    """

    known: KnownRecord
    at_source: bool
    in_airtable: bool
    fate: str | None
    faults: Sequence[CellFault]
    differ: Sequence[str]
    unwritten: bool


def verdict(found: Findings) -> str:
    """Say it."""
    if not found.at_source:
        return _gone(found)
    if found.faults:
        return f"It cannot be written: {'; '.join(map(_told, found.faults))}."
    if not found.in_airtable:
        return _without_row(found.known)
    if not found.differ:
        return "Its row shows what the source has."
    names = _some(found.differ)
    if found.unwritten:
        return (
            f"What the source has is not in its row yet: {names}. The next run that reads it "
            "writes it."
        )
    return f"Its row was changed in Airtable: {names}. A check of everything corrects it."


def _gone(found: Findings) -> str:
    if found.fate is None:
        return _ROW_OF_NOBODY if found.in_airtable else _NOTHING
    became = "is gone" if found.fate == UNTOLD else f"was {found.fate}"
    row = "its row stays as it is" if found.in_airtable else "it has no row"
    return f"The record {became} at its source; {row}."


def _without_row(known: KnownRecord) -> str:
    if known.rejection is not None:
        return f"It has no row, since it was rejected: {known.rejection.reason}."
    if known.row_id is not None:
        return "Its row was deleted in Airtable. A check of everything writes it again."
    if known.state is not None:
        return "It has no row yet. The next run tries again."
    return _UNREAD


_NOTHING = "Neither the source nor the table has a record with that id or key."
_ROW_OF_NOBODY = "The table has a row with that key, but TableSync knows no record of it."
_UNREAD = (
    "No run has read it yet. The next one does if it is new or changes; a check of everything "
    "does in any case."
)


def _told(fault: CellFault) -> str:
    where = f'field "{fault.field}": ' if fault.field else ""
    value = f"{fault.value!r} " if fault.value else ""
    return f"{where}{value}{fault.message}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
