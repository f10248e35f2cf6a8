"""A run's plan: its spec, checked against what source and table really have."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from tablesync.contracts import FieldMapping, SyncSpec
from tablesync.contracts.specs import Source
from tablesync.contracts.wording import PROVIDER_LABELS
from tablesync.sync_runner.access.answers import NAMELESS
from tablesync.sync_runner.airtable.cells import Cell, is_blank, is_writable, read_cell
from tablesync.sync_runner.airtable.schema import Field, Table
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.pipeline.columns import EXACT, Column, reads
from tablesync.sync_runner.sources.base import GONE, SourceProperty

DIGEST_BYTES = 16


@dataclass(frozen=True)
class Plan:
    """What a run writes where; `fingerprint` changes when everything has to be read again."""

    spec: SyncSpec
    columns: tuple[Column, ...]
    fields: Mapping[str, Field]
    fingerprint: str

    @property
    def key_is_record_id(self) -> bool:
        """Whether rows are keyed by the source's record id, which is never empty or double."""
        return self.spec.key.source == "id"

    @property
    def key(self) -> Column:
        """The column by which rows are found."""
        return self.columns[0]

    @cached_property
    def gone(self) -> Column | None:
        """The column that marks what was deleted at the source, if it is mapped."""
        return next((each for each in self.columns if each.source.name == GONE), None)

    @property
    def mark(self) -> dict[str, Cell]:
        """The cell that marks a row whose record is gone; raises CoercionError."""
        return {self.gone.field.id: self.gone.cell(True)} if self.gone else {}

    def digest_of(self, field_name: str | None) -> bytes:
        """Digest what a field takes, or all that are mapped: it changes with type and options."""
        fields = [each.field for each in self.columns]
        named = [each for each in fields if each.name == field_name] or fields
        raw = orjson.dumps([(each.id, each.type, each.options) for each in named])
        return hashlib.blake2b(raw, digest_size=DIGEST_BYTES).digest()

    @cached_property
    def conversions(self) -> frozenset[str]:
        """What is done to values that earlier versions did not do."""
        found = frozenset(each.conversion for each in self.columns if each.conversion)
        return found | {EXACT} if self.numbers else found

    @cached_property
    def numbers(self) -> Sequence[Field]:
        """The fields of which earlier versions rounded what was too long."""
        return [each.field for each in self.columns if each.is_number]

    def columns_before(self, conversions: Collection[str] | None) -> list[Column]:
        """Return the columns that are converted otherwise now, as they were; None is as now."""
        if conversions is None:
            return []
        before = [(each, each.before(conversions)) for each in self.columns]
        return [old for each, old in before if old.conversion != each.conversion]

    @cached_property
    def field_ids(self) -> Sequence[str]:
        """The fields that are written."""
        return [each.field.id for each in self.columns]

    def key_in_row(self, told: Mapping[str, Any]) -> str | None:
        """Return what a row has as key, as Airtable shows it and records are known by it."""
        cell = read_cell(told.get(self.key.field.id))
        return None if is_blank(cell) else orjson.dumps(cell).decode()

    def row_cells(self, told: Mapping[str, Any]) -> dict[str, Cell]:
        """Return what a row holds of what is written, as Airtable shows it."""
        return {each: read_cell(told.get(each)) for each in self.field_ids}

    def digest_of_row(self, told: Mapping[str, Any]) -> bytes:
        """Digest what a row holds of what is written, as Airtable shows it."""
        return digest(self.row_cells(told))

    @cached_property
    def properties(self) -> list[SourceProperty]:
        """The properties to read."""
        return reads(self.columns)


def make_plan(
    spec: SyncSpec, properties: Sequence[SourceProperty], tables: Sequence[Table]
) -> Plan:
    """Check a spec; raises RunFailedError naming the table, field or property that is wrong."""
    by_id = {each.id: each for each in tables}
    table = by_id.get(spec.destination.table_id) or by_id.get(NAMELESS)
    if table is None:
        raise RunFailedError.resource(
            f"Table {spec.destination.table_id[:40]} is not in base {spec.destination.base_id}.",
            spec.destination.connection_id,
        )
    mapped = tuple(dict.fromkeys((spec.key, *spec.mapping)))
    if not table.understood or any(_is_odd(table, each.field_id) for each in mapped):
        name = table.name or spec.destination.table_id
        raise RunFailedError.provider(
            f'Airtable tells something of table "{name}" that is not understood.',
            spec.destination.connection_id,
        )
    known = {each.name: each for each in properties}
    columns = tuple(_column(each, known, spec.source, table) for each in mapped)
    key_field = table.fields[spec.key.field_id]
    if not key_field.mergeable:
        raise RunFailedError.mapping(
            f'Airtable cannot find rows by "{key_field.name}" ({key_field.type}).'
        )
    return Plan(spec, columns, table.fields, fingerprint(spec))


def _is_odd(table: Table, field_id: str) -> bool:
    field = table.fields.get(field_id)
    return table.hides if field is None else not field.understood


def fingerprint(spec: SyncSpec) -> str:
    """Digest what decides which cells are written: a name or a schedule does not."""
    parts = [spec.source.object, spec.key.model_dump(), [m.model_dump() for m in spec.mapping]]
    return hashlib.blake2b(orjson.dumps(parts), digest_size=DIGEST_BYTES).hexdigest()


def digest(cells: Mapping[str, Cell]) -> bytes:
    """Digest a record's cells: equal digests, equal cells."""
    raw = orjson.dumps(cells, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(raw, digest_size=DIGEST_BYTES).digest()


def _column(
    each: FieldMapping, known: Mapping[str, SourceProperty], source: Source, table: Table
) -> Column:
    property_ = _property(known.get(each.source) or known.get(NAMELESS), each.source, source)
    field = table.fields.get(each.field_id)
    if field is None:
        raise RunFailedError.mapping(f'Field {each.field_id} is no longer in table "{table.name}".')
    if not is_writable(field.type):
        raise RunFailedError.mapping(
            f'Field "{field.name}" is of type {field.type}, which cannot be written.'
        )
    return Column(property_, field, each.as_)


def _property(found: SourceProperty | None, name: str, source: Source) -> SourceProperty:
    if found is None:
        raise RunFailedError.mapping(f'Property "{name}" is no longer among the {source.object}.')
    if not found.understood:
        label = PROVIDER_LABELS[source.provider]
        raise RunFailedError.provider(
            f'{label} tells something of property "{name}" that is not understood.',
            source.connection_id,
        )
    return found
