"""The CRM records of one object in one portal, indexed by id and by their last change.

Seeded records are built when they are first looked at, so that a million of them cost nothing
until they are read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sortedcontainers import SortedList
from tablesync.sandbox.clock import java_instant, now_ms
from tablesync.sandbox.seed import records as seed
from tablesync.sandbox.seed.catalogue import MODIFIED_PROPERTY

Properties = dict[str, str | None]


@dataclass(slots=True)
class CrmRecord:
    """One record; times are unix milliseconds."""

    id: int
    properties: Properties
    modified_ms: int
    archived_ms: int | None = None

    @property
    def is_archived(self) -> bool:
        """Whether it is in the archive."""
        return self.archived_ms is not None


class CrmRecords:
    """All records of one object, live and archived."""

    def __init__(self, kind: str, count: int, random_seed: int, domain: str) -> None:
        self.kind = kind
        self.modified_property = MODIFIED_PROPERTY[kind]
        self.version = 0
        self._seed, self._seeded, self._domain = random_seed, count, domain
        self._built: dict[int, CrmRecord] = {}
        self._merged: dict[int, int] = {}
        self._next_id = seed.record_id(kind, count)
        ids = [seed.record_id(kind, n) for n in range(count)]
        self.live_ids: SortedList[int] = SortedList(ids)
        self.archived_ids: SortedList[int] = SortedList()
        self.by_modified: SortedList[tuple[int, int]] = SortedList(
            (seed.modified_ms(n, count), record_id) for n, record_id in enumerate(ids)
        )

    def __len__(self) -> int:
        return len(self.live_ids)

    def get(self, record_id: int) -> CrmRecord | None:
        """Return a record, archived ones too; for one that was merged, what it is part of."""
        while record_id in self._merged:
            record_id = self._merged[record_id]
        built = self._built.get(record_id)
        if built is None and (record_id in self.live_ids or record_id in self.archived_ids):
            built = self._built[record_id] = self._build(record_id)
        return built

    def _build(self, record_id: int) -> CrmRecord:
        n = (record_id - seed.FIRST_IDS[self.kind]) // seed.ID_STEP
        properties = seed.build(self.kind, self._seed, n, self._seeded, self._domain)
        return CrmRecord(record_id, properties, seed.modified_ms(n, self._seeded))

    def after(self, record_id: int, limit: int, archived: bool) -> list[CrmRecord]:
        """Return up to `limit` records whose ids follow the given one."""
        ids = self.archived_ids if archived else self.live_ids
        start = ids.bisect_right(record_id)
        return self.all_of(ids[start : start + limit])

    def all_of(self, ids: Iterable[int]) -> list[CrmRecord]:
        """Return the records with these ids, leaving out unknown ones."""
        return [record for record in map(self.get, ids) if record is not None]

    def __iter__(self) -> Iterator[CrmRecord]:
        """Yield the live records by id."""
        return iter(self.all_of(self.live_ids))

    def edit(
        self, record_id: int, changes: Mapping[str, Any], *, silently: bool = False
    ) -> CrmRecord | None:
        """Change a live record as a person would: its last change becomes now.

        `silently` as HubSpot calculates a property: the last change stays as it was.
        """
        record = self.get(record_id)
        if record is None or record.is_archived:
            return None
        record.properties.update({name: as_property(value) for name, value in changes.items()})
        if not silently:
            self._touch(record)
        return record

    def _touch(self, record: CrmRecord) -> None:
        self.by_modified.discard((record.modified_ms, record.id))
        # A machine clock that steps back must not move a record back.
        record.modified_ms = max(int(now_ms()), record.modified_ms)
        record.properties[self.modified_property] = java_instant(record.modified_ms)
        self.by_modified.add((record.modified_ms, record.id))
        self.version += 1

    def age(self, seconds: float) -> int:
        """Have search find all records as changed so much earlier; return how many there are.

        What they tell of themselves stays, so that nothing has changed.
        """
        records = self.all_of([*self.live_ids, *self.archived_ids])
        for each in records:
            each.modified_ms -= int(seconds * 1000)
        self.by_modified = SortedList((each.modified_ms, each.id) for each in self)
        self.version += 1
        return len(records)

    def create(self, properties: Mapping[str, Any]) -> CrmRecord:
        """Add a record with the next id, created now."""
        record_id, moment = self._next_id, int(now_ms())
        self._next_id += seed.ID_STEP
        values = {name: as_property(value) for name, value in properties.items()}
        instant = java_instant(moment)
        stamps = {"createdate": instant, self.modified_property: instant}
        record = CrmRecord(record_id, {**values, "hs_object_id": str(record_id), **stamps}, moment)
        self._built[record_id] = record
        self.live_ids.add(record_id)
        self.by_modified.add((moment, record_id))
        self.version += 1
        return record

    def archive(self, record_id: int) -> bool:
        """Move a live record to the archive; tell whether it was there."""
        record = self.get(record_id)
        if record is None or record.is_archived:
            return False
        self.live_ids.remove(record_id)
        self.by_modified.discard((record.modified_ms, record_id))
        record.archived_ms = int(now_ms())
        self.archived_ids.add(record_id)
        self.version += 1
        return True

    def restore(self, record_id: int) -> bool:
        """Move a record back from the archive, its last change as it was; tell if it was there."""
        record = self.get(record_id)
        if record is None or not record.is_archived:
            return False
        self.archived_ids.remove(record_id)
        record.archived_ms = None
        self.live_ids.add(record_id)
        self.by_modified.add((record.modified_ms, record_id))
        self.version += 1
        return True

    def purge(self, record_id: int) -> bool:
        """Let a record vanish from every list, the archive too; tell whether it was there."""
        record = self.get(record_id)
        if record is None or record.id != record_id:
            return False
        self._forget(record)
        self.version += 1
        return True

    def merge(self, record_ids: Sequence[int], *, into_new: bool) -> CrmRecord:
        """Merge live records into the first of them, or into one with a new id.

        What is told of the others' ids from then on is the record that they are part of.
        """
        merged = [record for record in self.all_of(record_ids) if not record.is_archived]
        values: Properties = {}
        for each in reversed(merged):
            values |= {name: value for name, value in each.properties.items() if value is not None}
        values.pop("hs_object_id")
        survivor = self.create(values) if into_new else merged[0]
        if not into_new:
            survivor.properties.update(values)
            self._touch(survivor)
        for each in merged:
            if each.id != survivor.id:
                self._forget(each)
                self._merged[each.id] = survivor.id
        return survivor

    def _forget(self, record: CrmRecord) -> None:
        self.live_ids.discard(record.id)
        self.archived_ids.discard(record.id)
        self.by_modified.discard((record.modified_ms, record.id))
        self._built.pop(record.id, None)


def as_property(value: Any) -> str | None:
    """Return a value as HubSpot stores it: text or nothing."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
