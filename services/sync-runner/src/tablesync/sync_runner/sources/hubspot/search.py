"""The walk of a search over changing data: which query comes next, and what of it is new."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.sources.base import Page, Position, SourceProperty, SourceRecord
from tablesync.sync_runner.sources.hubspot.answers import REMEDY, Found, Record, read_record

SEARCH_LIMIT = 200
# The Date header, by which a pass knows when it began, tells whole seconds (RFC 9110, 5.6.7).
_DATE_STEP_MS = 1000


class SearchWalk:
    """The state of one search: which query comes next, and which records were seen at its edge."""

    def __init__(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> None:
        self._property = cursor_property(object_)
        self._properties = properties
        self._wanted = [*dict.fromkeys([*(each.name for each in properties), self._property])]
        self._since = int(position["since"])
        self._until = int(position["until"])
        self._pinned: str | None = position.get("pinned")
        self._edge: set[str] = set()
        self.ended = False

    def query(self) -> dict[str, Any]:
        """Return the body of the next search."""
        filters = [self._filter("GTE", str(self._since))]
        sort = self._property
        if self._pinned is not None:
            sort = "hs_object_id"
            filters = [
                self._filter("EQ", str(self._since)),
                {"propertyName": sort, "operator": "GT", "value": self._pinned},
            ]
        return {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": self._wanted,
            "limit": SEARCH_LIMIT,
        }

    def take(self, found: Found) -> Page:
        """Take an answer in: return its new records, and go on behind them."""
        results = found.results
        fresh = [each for each in results if self._key(each) not in self._edge]
        more = found.goes_on(SEARCH_LIMIT)
        if self._pinned is None:
            self._go_on(results, more=more)
        else:
            self._go_on_pinned(found, more=more)
        records = [self._read(each) for each in fresh]
        return Page(records, self._position(), found.total, found.size)

    def _read(self, record: Record) -> SourceRecord:
        """Read a record; half of one, which tells nothing, would empty a row."""
        read = read_record(record, self._properties)
        if (read.fault and not record.half) or self._changed_ms(record) is not None:
            return read
        fault = f"HubSpot does not tell when record {record.id} changed; {REMEDY}"
        return SourceRecord(read.id, {}, read.gone, fault)

    def _go_on(self, results: Sequence[Record], *, more: bool) -> None:
        """Go on from the last time that is told: a record without one changes nothing."""
        times = [(each, self._changed_ms(each)) for each in results]
        dated = [(each, ms) for each, ms in times if ms is not None]
        if more and not dated:
            raise RunFailedError.provider("HubSpot's search does not tell when records changed.")
        if not dated:
            self.ended = True
            return
        last = dated[-1][1]
        if more and last < self._since:
            raise RunFailedError.provider("HubSpot's search found what changed before that time.")
        self._edge = {self._key(each) for each, ms in dated if ms == last}
        if more and last == self._since:
            self._pinned = "0"
        # What changed after the pass began belongs to the next one, or this would never end.
        self.ended = not more or last > self._until
        self._since = last

    def _go_on_pinned(self, found: Found, *, more: bool) -> None:
        if more and not _is_behind(found.last_id, self._pinned):
            raise RunFailedError.provider(
                "HubSpot's search does not go on: it finds the same again."
            )
        if more:
            self._pinned = found.last_id
        else:
            self._pinned, self._since = None, self._since + 1

    def _position(self) -> Position:
        return {
            "mode": "search",
            "since": self._since,
            "until": self._until,
            **({} if self._pinned is None else {"pinned": self._pinned}),
        }

    def _filter(self, operator: str, value: str) -> dict[str, str]:
        return {"propertyName": self._property, "operator": operator, "value": value}

    def _changed_ms(self, record: Record) -> int | None:
        try:
            return _instant_ms(record.properties.get(self._property))
        except (TypeError, ValueError, OverflowError):
            return None

    def _key(self, record: Record) -> str:
        """Name a record in one state: the same record changed again is a new one."""
        return f"{record.id}@{record.properties.get(self._property)}"


def _is_behind(id_: str | None, pinned: str | None) -> bool:
    """Whether a record comes behind another by its id, which is a number."""
    if id_ is None or pinned is None:
        return False
    return (len(id_), id_) > (len(pinned), pinned)


def first_position(since_ms: int, began_ms: int) -> Position:
    """Begin a search for what changed from `since_ms` to the end of the second it began in."""
    return {"mode": "search", "since": since_ms, "until": began_ms + _DATE_STEP_MS - 1}


def cursor_property(object_: str) -> str:
    """Name the property that tells when a record changed."""
    return "lastmodifieddate" if object_ == "contacts" else "hs_lastmodifieddate"


def _instant_ms(text: Any) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
