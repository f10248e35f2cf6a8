"""The mapping as a table: one row a property, what was suggested and what would become of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tablesync.contracts import MappedAs
from tablesync.contracts.internal_api import AirtableField, SourceProperty
from tablesync.contracts.public_api.catalog import CellFault, Trial
from tablesync.contracts.public_api.syncs import NewMapping
from tablesync.dashboard.shown.making.cells import told
from tablesync.dashboard.shown.making.fields import (
    conversions,
    doubts,
    has_choice_of_words,
    kind_words,
    type_words,
)
from tablesync.dashboard.shown.making.suggestions import Suggestion
from tablesync.dashboard.shown.words import counted, number

# So many properties without a field are shown at once; more are folded away.
FEW = 8


@dataclass(frozen=True)
class Hint:
    """One remark below a field: what is suggested, what is done to values, or a warning."""

    tone: str
    icon: str
    text: str


@dataclass(frozen=True)
class MappingRow:
    """A property of the source, and the field that it goes to, if to any."""

    source: SourceProperty
    field: AirtableField | None
    as_: MappedAs = MappedAs.LABEL
    suggestion: Suggestion | None = None
    is_key: bool = False
    example: str = ""
    faults: Sequence[CellFault] = ()
    tried: int = 0

    @property
    def name(self) -> str:
        """Its property's name, as forms have it."""
        return self.source.name

    @property
    def kind(self) -> str:
        """What its values are."""
        return kind_words(self.source)

    @property
    def has_choice_of_words(self) -> bool:
        """Whether it asks for label or value."""
        return self.field is not None and has_choice_of_words(self.source, self.field)

    @property
    def is_warned_of(self) -> bool:
        """Whether records would be rejected for it."""
        return bool(self.faults)

    @property
    def hints(self) -> list[Hint]:
        """All that is to be said of it."""
        if self.field is None:
            return []
        return [*self._suggested(), *self._warnings(self.field), *self._notes(self.field)]

    def _suggested(self) -> list[Hint]:
        if self.suggestion and self.field and self.suggestion.field_id == self.field.id:
            return [Hint("g", "spark", f"Suggested: {self.suggestion.why}")]
        return []

    def _warnings(self, field: AirtableField) -> list[Hint]:
        if self.faults:
            first = self.faults[0]
            records = f"{number(len(self.faults))} of the {counted(self.tried, 'record')} below"
            value = f"“{first.value}” " if first.value else ""
            text = f"{records} would be rejected: {value}{first.message}. {first.remedy or ''}"
            return [Hint("w", "warning", text.strip())]
        return [Hint("w", "warning", each) for each in doubts(self.source, field)]

    def _notes(self, field: AirtableField) -> list[Hint]:
        notes = conversions(self.source, field, self.as_)
        return [Hint("", "info", each) for each in notes]


@dataclass(frozen=True)
class MappingTable:
    """All rows: those that have a field, and the others."""

    rows: Sequence[MappingRow]
    fields: Sequence[AirtableField]
    source: str
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def mapped(self) -> list[MappingRow]:
        """Those that go somewhere, the key first; with few others all of them in their order."""
        if self._are_few:
            return list(self.rows)
        return [each for each in self.rows if self._is_shown(each)]

    @property
    def others(self) -> list[MappingRow]:
        """Those that are left out, where they are many."""
        return [] if self._are_few else [each for each in self.rows if not self._is_shown(each)]

    @property
    def summary(self) -> str:
        """How many are mapped: `6 of 7 mapped, 1 warning`."""
        mapped = sum(each.field is not None for each in self.rows)
        warned = sum(each.is_warned_of for each in self.rows)
        warnings = f", {counted(warned, 'warning')}" if warned else ""
        return f"{number(mapped)} of {number(len(self.rows))} mapped{warnings}"

    @property
    def options(self) -> list[tuple[str, str]]:
        """The fields to choose from, by id."""
        return [(each.id, f"{each.name} · {type_words(each)}") for each in self.fields]

    @property
    def _are_few(self) -> bool:
        return sum(not self._is_shown(each) for each in self.rows) <= FEW

    def _is_shown(self, row: MappingRow) -> bool:
        return row.field is not None or f"field.{row.name}" in self.errors


def mapping_table(
    properties: Sequence[SourceProperty],
    fields: Sequence[AirtableField],
    mapping: Sequence[NewMapping],
    *,
    key: str = "",
    suggestions: Mapping[str, Suggestion] | None = None,
    trial: Trial | None = None,
    source: str = "",
    errors: Mapping[str, str] | None = None,
) -> MappingTable:
    """Put a mapping as it is, or as it is suggested, into rows in the source's own order."""
    writable = [each for each in fields if each.writable]
    by_id = {each.id: each for each in writable}
    chosen = {each.source: each for each in mapping}
    tried = _Tried.of(trial)
    rows = []
    for each in properties:
        to = chosen.get(each.name)
        rows.append(
            MappingRow(
                source=each,
                field=by_id.get(to.field_id) if to else None,
                as_=(to.as_ if to else None) or MappedAs.LABEL,
                suggestion=(suggestions or {}).get(each.name),
                is_key=each.name == key,
                example=tried.example(to.field_id) if to else "",
                faults=tried.faults.get(to.field_id, ()) if to else (),
                tried=tried.records,
            )
        )
    return MappingTable(rows, writable, source, errors or {})


@dataclass(frozen=True)
class _Tried:
    """What a trial has shown of each field."""

    records: int
    examples: Mapping[str, str]
    faults: Mapping[str, Sequence[CellFault]]

    @classmethod
    def of(cls, trial: Trial | None) -> "_Tried":
        """Look through a trial's records."""
        examples: dict[str, str] = {}
        faults: dict[str, list[CellFault]] = {}
        for record in trial.records if trial else ():
            for field_id, cell in record.cells.items():
                if text := told(cell):
                    examples.setdefault(field_id, text)
            for fault in record.faults:
                if fault.field_id:
                    faults.setdefault(fault.field_id, []).append(fault)
                    examples.setdefault(fault.field_id, fault.value or "")
        return cls(len(trial.records) if trial else 0, examples, faults)

    def example(self, field_id: str) -> str:
        """Return what a record has there."""
        return self.examples.get(field_id, "")


def twice(mapping: Sequence[NewMapping]) -> dict[str, str]:
    """Return, by property, the field that another property is written to already."""
    seen = Counter[str]()
    again = {}
    for each in mapping:
        seen[each.field_id] += 1
        if seen[each.field_id] > 1:
            again[each.source] = each.field_id
    return again
