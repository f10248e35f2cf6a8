"""Finding records for a query, by an index where the query allows it.

A range of last changes or of ids is cut out of the sorted index; only what is left of the filters
looks at records one by one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from . import errors
from .crm_records import CrmRecord, CrmRecords
from .definitions import PropertyDefinitions
from .filters import comparable, compile_test
from .query import Filter, Query

_RANGES = frozenset({"EQ", "LT", "LTE", "GT", "GTE", "BETWEEN"})
_CACHED_RESULTS = 64
_SEARCHED_TEXT = (
    "email",
    "firstname",
    "lastname",
    "phone",
    "company",
    "name",
    "domain",
    "dealname",
)

RecordTest = Callable[[int], bool]


@dataclass(slots=True)
class Range:
    """A stretch of an index, from `low` to before `high`, by value of its first key."""

    low: float = float("-inf")
    high: float = float("inf")
    """Both ends are inclusive."""

    def narrow(self, entry: Filter, kind: str) -> None:
        """Cut the range by a filter; the keys are whole numbers."""
        operator, value = entry["operator"], float(comparable(entry["value"], kind))
        if operator in ("EQ", "GTE", "GT", "BETWEEN"):
            self.low = max(self.low, value + 1 if operator == "GT" else value)
        if operator in ("EQ", "LTE", "LT"):
            self.high = min(self.high, value - 1 if operator == "LT" else value)
        if operator == "BETWEEN":
            self.high = min(self.high, float(comparable(entry["highValue"], kind)))


class Hits:
    """The ids that a query found, in its order; computed when a part is asked for."""

    def __init__(self, ids: Sequence[Any], start: int, stop: int, descending: bool) -> None:
        self._ids, self._start, self._stop = ids, start, max(start, stop)
        self._descending = descending

    @property
    def total(self) -> int:
        """How many there are."""
        return self._stop - self._start

    def part(self, offset: int, limit: int) -> list[int]:
        """Return up to `limit` ids from an offset on."""
        if self._descending:
            stop = self._stop - offset
            entries = list(self._ids[max(self._start, stop - limit) : max(self._start, stop)])[::-1]
        else:
            start = self._start + offset
            entries = list(self._ids[start : min(self._stop, start + limit)])
        return [entry[1] if isinstance(entry, tuple) else entry for entry in entries]


class Finder:
    """Answers queries over the records of one object in one portal."""

    def __init__(self, records: CrmRecords, definitions: PropertyDefinitions) -> None:
        self._records, self._definitions = records, definitions
        self._cache: dict[bytes, Hits] = {}

    def find(self, query: Query, newest_ms: float | None) -> Hits:
        """Return what the query finds; changes after `newest_ms` are not indexed yet."""
        try:
            return self._plan(query, newest_ms)
        except (ValueError, KeyError, TypeError) as error:
            raise errors.validation(f"Invalid filter value: {error}") from None

    def _plan(self, query: Query, newest_ms: float | None) -> Hits:
        group = query.groups[0] if query.groups else ()
        if len(query.groups) <= 1 and not query.text and newest_ms is None:
            direct = self._direct(group, query)
            if direct:
                return direct
        key = orjson.dumps([self._records.version, query.groups, query.text, query.sort,
                            query.descending, newest_ms and newest_ms // 1000])  # fmt: skip
        if key not in self._cache:
            if len(self._cache) >= _CACHED_RESULTS:
                self._cache.pop(next(iter(self._cache)))
            self._cache[key] = self._scan(query, newest_ms)
        return self._cache[key]

    def _direct(self, group: Sequence[Filter], query: Query) -> Hits | None:
        index, low, high, rest = self._cut(group, query.sort)
        by_modified = index is self._records.by_modified
        same_order = query.sort == self._records.modified_property if by_modified else (
            query.sort in (None, "hs_object_id")
        )  # fmt: skip
        return Hits(index, low, high, query.descending) if same_order and not rest else None

    def _cut(
        self, group: Sequence[Filter], sort: str | None
    ) -> tuple[Sequence[Any], int, int, list[Filter]]:
        """Return the best index, the positions between which the group's records lie, the rest."""
        modified = self._records.modified_property
        use_modified = sort == modified or any(
            entry["propertyName"] == modified and entry["operator"] in _RANGES for entry in group
        )
        name, kind = (modified, "datetime") if use_modified else ("hs_object_id", "number")
        cut, rest = Range(), []
        for entry in group:
            if entry["propertyName"] == name and entry["operator"] in _RANGES:
                cut.narrow(entry, kind)
            else:
                rest.append(entry)
        if use_modified:
            by_modified = self._records.by_modified
            low = by_modified.bisect_left((cut.low, -1))
            return by_modified, low, by_modified.bisect_right((cut.high, float("inf"))), rest
        ids = self._records.live_ids
        return ids, ids.bisect_left(cut.low), ids.bisect_right(cut.high), rest

    def _scan(self, query: Query, newest_ms: float | None) -> Hits:
        found: dict[int, None] = {}
        for group in query.groups or ((),):
            found.update(dict.fromkeys(self._matching(group)))
        ids = [record_id for record_id in found if self._visible(record_id, query, newest_ms)]
        ids.sort(key=self._sort_key(query.sort), reverse=query.descending)
        return Hits(ids, 0, len(ids), descending=False)

    def _matching(self, group: Sequence[Filter]) -> list[int]:
        index, low, high, rest = self._cut(group, None)
        ids = Hits(index, low, high, descending=False).part(0, high - low if high > low else 0)
        tests = [self._test(entry) for entry in rest]
        return [record_id for record_id in ids if all(test(record_id) for test in tests)]

    def _test(self, entry: Filter) -> RecordTest:
        name = entry["propertyName"]
        test = compile_test(entry, self._definitions.type_of(name) or "string")
        if name == "hs_object_id":
            return lambda record_id: test(str(record_id))
        return lambda record_id: test(self._record(record_id).properties.get(name))

    def _visible(self, record_id: int, query: Query, newest_ms: float | None) -> bool:
        if newest_ms is not None and self._record(record_id).modified_ms > newest_ms:
            return False
        if not query.text:
            return True
        values = self._record(record_id).properties
        return any(query.text in (values.get(name) or "").lower() for name in _SEARCHED_TEXT)

    def _sort_key(self, name: str | None) -> Callable[[int], Any]:
        if name in (None, "hs_object_id"):
            return lambda record_id: record_id
        if name == self._records.modified_property:
            return lambda record_id: (self._record(record_id).modified_ms, record_id)
        kind = self._definitions.type_of(str(name)) or "string"

        def key(record_id: int) -> tuple[bool, Any, int]:
            text = self._record(record_id).properties.get(str(name))
            return text is None, "" if text is None else comparable(text, kind), record_id

        return key

    def _record(self, record_id: int) -> CrmRecord:
        record = self._records.get(record_id)
        if record is None:
            raise KeyError(record_id)
        return record
