"""What is wrong with a sync that somebody asks about, by the member of the request that says it."""

from collections.abc import Iterable, Iterator, Sequence

from tablesync.contracts import FieldMapping, SyncSpec
from tablesync.service_kit.http.problems import Problem
from tablesync.sync_runner.access.answers import NAMELESS
from tablesync.sync_runner.airtable.cells import is_writable
from tablesync.sync_runner.airtable.schema import Field, Table
from tablesync.sync_runner.sources.base import SourceProperty

# So many names are listed to choose from.
SHOWN = 12
Fault = dict[str, str]


def raise_faults(
    spec: SyncSpec, properties: Sequence[SourceProperty], tables: Sequence[Table]
) -> None:
    """Raise Problem 422 if something is surely not there; what is not understood is not judged."""
    table = next((each for each in tables if each.id == spec.destination.table_id), None)
    faults = [
        *_source_faults(spec, properties),
        *_table_faults(spec, table, tables),
        *_double_faults(spec),
    ]
    if faults:
        named = ", ".join(each["field"] for each in faults)
        raise Problem(422, "invalid-request", f"Invalid: {named}", errors=faults)


def _source_faults(spec: SyncSpec, properties: Sequence[SourceProperty]) -> Iterator[Fault]:
    known = {each.name for each in properties}
    if NAMELESS in known:  # it may be any of them
        return
    for place, each in _mapped(spec):
        if each.source not in known:
            message = f"{spec.source.object} has no property {each.source}"
            yield _fault(f"{place}.source", message, _choose(known))


def _table_faults(spec: SyncSpec, table: Table | None, tables: Sequence[Table]) -> Iterator[Fault]:
    if table is None:
        if all(each.id != NAMELESS for each in tables):
            message, remedy = f"{spec.destination.table_id} is not there", _choose_named(tables)
            yield _fault("destination.table_id", message, remedy)
        return
    if not table.understood or table.hides:
        return
    writable = [each for each in table.fields.values() if is_writable(each.type)]
    for place, mapped in _mapped(spec):
        fault = _field_fault(table, table.fields.get(mapped.field_id), mapped.field_id)
        if fault is not None:
            yield _fault(f"{place}.field_id", fault, _choose_named(writable))
    yield from _key_faults(table, table.fields.get(spec.key.field_id))


def _field_fault(table: Table, field: Field | None, field_id: str) -> str | None:
    if field is None:
        return f"the table {table.name} has no field {field_id}"
    if field.understood and not is_writable(field.type):
        return f"{field_id} is computed by Airtable and cannot be written"
    return None


def _key_faults(table: Table, key: Field | None) -> Iterator[Fault]:
    if key is None or key.mergeable or not is_writable(key.type):
        return
    message = f"Airtable does not merge on the field {key.name} of type {key.type}"
    mergeable = (each for each in table.fields.values() if each.mergeable)
    remedy = f"Choose a text, number, select or date field: {_some(_named(mergeable))}."
    yield _fault("key.field_id", message, remedy)


def _double_faults(spec: SyncSpec) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, each in _mapped(spec):
        if each.field_id in seen:
            remedy = "Map each Airtable field once; the key's field is mapped by `key`."
            yield _fault(f"{place}.field_id", f"{each.field_id} is mapped already", remedy)
        seen.add(each.field_id)


def _mapped(spec: SyncSpec) -> Iterator[tuple[str, FieldMapping]]:
    yield "key", spec.key
    for position, each in enumerate(spec.mapping):
        yield f"mapping.{position}", each


def _fault(field: str, message: str, remedy: str) -> Fault:
    return {"field": field, "message": message, "remedy": remedy}


def _choose_named(things: Iterable[Table | Field]) -> str:
    return _choose(_named(things))


def _choose(names: Iterable[str]) -> str:
    return f"Choose one of: {_some(names)}."


def _named(things: Iterable[Table | Field]) -> Iterator[str]:
    return (f"{each.id} ({each.name})" for each in things)


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(ordered[:SHOWN]) + more if ordered else "nothing is there yet"
