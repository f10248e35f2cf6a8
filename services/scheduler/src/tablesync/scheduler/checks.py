"""Whether a sync can work: its connections, object, table, fields and schedule are there.

Each check returns faults, one per bad field, with the remedy; an empty list means that all is well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tablesync.contracts import Destination, FieldMapping
from tablesync.contracts.internal_api import AirtableBase, AirtableField, AirtableTable
from tablesync.contracts.names import name_fault
from tablesync.contracts.public_api.schedules import Schedule
from tablesync.scheduler.clients.sync_runner import SyncRunnerClient
from tablesync.scheduler.domain.schedules import LONGEST_SECONDS
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.errors import Fault

RECORD_ID = "id"  # a source's record id, which is no property
SHOWN = 12


def name_faults(name: str) -> list[Fault]:
    """Check that lists, logs and mails can show a name."""
    fault = name_fault(name)
    return [Fault("name", fault.message, fault.remedy)] if fault else []


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


@dataclass(frozen=True)
class Contents:
    """What a sync copies, and where to: all of it that a catalogue can confirm."""

    workspace_id: str
    source_id: str
    object: str
    destination: Destination
    key: FieldMapping
    mapping: Sequence[FieldMapping]

    @classmethod
    def of(cls, sync: Sync) -> "Contents":
        """Return a sync's contents as they are."""
        source = sync.source
        return cls(
            workspace_id=sync.workspace_id,
            source_id=source.connection_id,
            object=source.object,
            destination=sync.destination,
            key=sync.key,
            mapping=sync.mapping,
        )

    def mapped(self) -> list[tuple[str, FieldMapping]]:
        """Return each mapping with the field of a request that it came from."""
        others = ((f"mapping.{position}", each) for position, each in enumerate(self.mapping))
        return [("key", self.key), *others]


@dataclass(frozen=True)
class CheckedContents:
    """What a catalogue says: what is wrong, and what things are called.

    `names` are those of table and mapped fields by id, `labels` those of properties by name.
    """

    faults: list[Fault]
    names: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


async def check_contents(runner: SyncRunnerClient, wanted: Contents) -> CheckedContents:
    """Check both ends of a sync against the catalogue."""
    source, to = await _check_source(runner, wanted), wanted.destination
    tables = await runner.tables(wanted.workspace_id, to.connection_id, to.base_id)
    if tables is None:
        return CheckedContents([*source.faults, await _base_fault(runner, wanted)])
    table = next((each for each in tables if each.id == to.table_id), None)
    if table is None:
        remedy = _choose_named(tables)
        fault = Fault("destination.table_id", f"{to.table_id} is not there", remedy)
        return CheckedContents([*source.faults, fault])
    faults = _field_faults(table, wanted) or _key_faults(table, wanted.key)
    return CheckedContents([*source.faults, *faults], _names(table, wanted), source.labels)


async def base_name(runner: SyncRunnerClient, wanted: Contents) -> dict[str, str]:
    """Return what the base is called, by its id; empty if it is not among those granted."""
    to = wanted.destination
    bases = await runner.bases(wanted.workspace_id, to.connection_id) or ()
    return {each.id: each.name for each in bases if each.id == to.base_id}


def _names(table: AirtableTable, wanted: Contents) -> dict[str, str]:
    ids = {each.field_id for _, each in wanted.mapped()}
    return {table.id: table.name} | {each.id: each.name for each in table.fields if each.id in ids}


async def _check_source(runner: SyncRunnerClient, wanted: Contents) -> CheckedContents:
    """Check that the source has the object and the mapped properties."""
    end, properties = (wanted.workspace_id, wanted.source_id), None
    objects = await runner.objects(*end) or ()
    if any(each.name == wanted.object for each in objects):
        properties = await runner.properties(*end, wanted.object)
    if properties is None:
        remedy = _choose(each.name for each in objects)
        return CheckedContents([Fault("source.object", f"{wanted.object} is not there", remedy)])
    known = {RECORD_ID, *(each.name for each in properties)}
    faults = [
        Fault(f"{place}.source", f"{wanted.object} has no property {each.source}", _choose(known))
        for place, each in wanted.mapped()
        if each.source not in known
    ]
    mapped = {each.source for _, each in wanted.mapped()}
    labels = {each.name: each.label for each in properties if each.name in mapped}
    return CheckedContents(faults, labels=labels)


async def _base_fault(runner: SyncRunnerClient, wanted: Contents) -> Fault:
    to = wanted.destination
    bases = await runner.bases(wanted.workspace_id, to.connection_id) or ()
    remedy = f"{_choose_named(bases)} Or reconnect Airtable and choose that base there too."
    return Fault("destination.base_id", f"{to.base_id} is not there", remedy)


def _field_faults(table: AirtableTable, wanted: Contents) -> list[Fault]:
    writable = {each.id: each for each in table.fields if each.writable}
    remedy = _choose_named(writable.values())
    known = {each.id for each in table.fields}
    return [
        Fault(f"{place}.field_id", _field_message(table, each, known), remedy)
        for place, each in wanted.mapped()
        if each.field_id not in writable
    ]


def _field_message(table: AirtableTable, mapped: FieldMapping, known: set[str]) -> str:
    if mapped.field_id in known:
        return f"{mapped.field_id} is computed by Airtable and cannot be written"
    return f"the table {table.name} has no field {mapped.field_id}"


def _key_faults(table: AirtableTable, key: FieldMapping) -> list[Fault]:
    field = next(each for each in table.fields if each.id == key.field_id)
    if field.mergeable:
        return []
    message = f"Airtable does not merge on the field {field.name} of type {field.type}"
    mergeable = _named(each for each in table.fields if each.mergeable)
    remedy = f"Choose a text, number, select or date field: {_some(mergeable)}."
    return [Fault("key.field_id", message, remedy)]


def _choose_named(things: Iterable[AirtableBase | AirtableTable | AirtableField]) -> str:
    return _choose(_named(things))


def _choose(names: Iterable[str]) -> str:
    return f"Choose one of: {_some(names)}."


def _named(things: Iterable[AirtableBase | AirtableTable | AirtableField]) -> Iterable[str]:
    return (f"{each.id} ({each.name})" for each in things)


def _some(names: Iterable[str]) -> str:
    """List names, but not hundreds of them."""
    ordered = sorted(names)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(ordered[:SHOWN]) + more if ordered else "nothing is there yet"
