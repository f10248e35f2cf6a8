"""Whether a sync can work: its connections, object, table, fields and schedule are there.

Each check gives faults, one per bad field, with the remedy; an empty list means that all is well.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from tablesync.contracts import Destination, FieldMapping
from tablesync.scheduler.clients.sync_runner import Catalog, Field, Table
from tablesync.scheduler.domain.schedules import LONGEST_SECONDS, Schedule
from tablesync.scheduler.errors import Fault

RECORD_ID = "id"  # a source's record id, which is no property
SHOWN = 12
UNPRINTED = {"Cc", "Zl", "Zp"}  # controls and line breaks; emoji are joined by Cf


def name_faults(name: str) -> list[Fault]:
    """Check that a name fits on one line, since lists, logs and mails show it."""
    if not name:
        return [Fault("name", "it is empty", "Send at least one character besides white space.")]
    found = next((each for each in name if unicodedata.category(each) in UNPRINTED), None)
    if found is None:
        return []
    message = f"it contains the control character or line break U+{ord(found):04X}"
    return [Fault("name", message, "Send a name of one line, without control characters.")]


def schedule_faults(schedule: Schedule, least_seconds: int) -> list[Fault]:
    """Check a schedule against the shortest interval that is allowed here."""
    field, seconds = "schedule.every_seconds", schedule.every_seconds
    if seconds < 1:
        remedy = f"Send a whole number of seconds, {least_seconds} or more."
        return [Fault(field, f"{seconds} s is no interval", remedy)]
    if seconds < least_seconds:
        remedy = f"Send {least_seconds} or more (SCHEDULER_MIN_INTERVAL_SECONDS sets this bound)."
        return [Fault(field, f"{seconds} s is less than {least_seconds} s", remedy)]
    if seconds > LONGEST_SECONDS:
        return [Fault(field, f"{seconds} s is too long", f"Send {LONGEST_SECONDS} or less.")]
    return []


def mapping_faults(key: FieldMapping, mapping: Sequence[FieldMapping]) -> list[Fault]:
    """Check that no Airtable field is written twice."""
    seen = {key.field_id}
    faults = []
    for position, each in enumerate(mapping):
        if each.field_id in seen:
            remedy = "Map each Airtable field once; the key's field is mapped by `key`."
            message = f"{each.field_id} is mapped already"
            faults.append(Fault(f"mapping.{position}.field_id", message, remedy))
        seen.add(each.field_id)
    return faults


async def source_faults(
    catalog: Catalog,
    connection_id: str,
    name: str,
    key: FieldMapping,
    mapping: Sequence[FieldMapping],
) -> list[Fault]:
    """Check that the source has the object and the mapped properties."""
    properties = None
    objects = await catalog.objects(connection_id)
    if any(each.name == name for each in objects or []):
        properties = await catalog.properties(connection_id, name)
    if properties is None:
        remedy = f"Choose one of: {_some(each.name for each in objects or [])}."
        return [Fault("source.object", f"{name} is not there", remedy)]
    known = {RECORD_ID, *(each.name for each in properties)}
    return [
        Fault(
            f"{place}.source",
            f"{name} has no property {each.source}",
            f"Choose one of: {_some(known)}.",
        )
        for place, each in _mapped(key, mapping)
        if each.source not in known
    ]


async def destination_faults(
    catalog: Catalog, to: Destination, key: FieldMapping, mapping: Sequence[FieldMapping]
) -> list[Fault]:
    """Check that the base has the table and the mapped fields, and that the key can merge."""
    tables = await catalog.tables(to.connection_id, to.base_id)
    if tables is None:
        bases = await catalog.bases(to.connection_id) or []
        remedy = f"Choose one of: {_some(f'{each.id} ({each.name})' for each in bases)}."
        return [Fault("destination.base_id", f"{to.base_id} is not there", remedy)]
    table = next((each for each in tables if each.id == to.table_id), None)
    if table is None:
        remedy = f"Choose one of: {_some(f'{each.id} ({each.name})' for each in tables)}."
        return [Fault("destination.table_id", f"{to.table_id} is not there", remedy)]
    faults = _field_faults(table, key, mapping)
    return faults or _key_faults(table, key)


def _field_faults(table: Table, key: FieldMapping, mapping: Sequence[FieldMapping]) -> list[Fault]:
    writable = {each.id: each for each in table.fields if each.writable}
    remedy = f"Choose one of: {_fields(writable.values())}."
    known = {each.id for each in table.fields}
    return [
        Fault(f"{place}.field_id", _field_message(table, each, known), remedy)
        for place, each in _mapped(key, mapping)
        if each.field_id not in writable
    ]


def _field_message(table: Table, mapped: FieldMapping, known: set[str]) -> str:
    if mapped.field_id in known:
        return f"{mapped.field_id} is computed by Airtable and cannot be written"
    return f"the table {table.name} has no field {mapped.field_id}"


def _key_faults(table: Table, key: FieldMapping) -> list[Fault]:
    field = next(each for each in table.fields if each.id == key.field_id)
    if field.mergeable:
        return []
    message = f"Airtable does not merge on the field {field.name} of type {field.type}"
    mergeable = [each for each in table.fields if each.mergeable]
    remedy = f"Choose a text, number, select or date field: {_fields(mergeable)}."
    return [Fault("key.field_id", message, remedy)]


def _mapped(key: FieldMapping, mapping: Sequence[FieldMapping]) -> list[tuple[str, FieldMapping]]:
    others = [(f"mapping.{position}", each) for position, each in enumerate(mapping)]
    return [("key", key), *others]


def _fields(fields: Iterable[Field]) -> str:
    return _some(f"{each.id} ({each.name})" for each in fields)


def _some(names: Iterable[str]) -> str:
    """List names, but not hundreds of them."""
    ordered = sorted(names)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(ordered[:SHOWN]) + more if ordered else "nothing is there yet"


async def contents_faults(
    catalog: Catalog,
    connection_id: str,
    name: str,
    to: Destination,
    key: FieldMapping,
    mapping: Sequence[FieldMapping],
) -> list[Fault]:
    """Check both ends of a sync against the catalog."""
    return [
        *await source_faults(catalog, connection_id, name, key, mapping),
        *await destination_faults(catalog, to, key, mapping),
    ]
