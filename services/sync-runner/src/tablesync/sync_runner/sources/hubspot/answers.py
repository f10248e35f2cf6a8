"""What HubSpot answers, as far as a sync reads it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BeforeValidator, PlainValidator
from tablesync.sync_runner.access.answers import Answer, SecondLook, TransientError, understood
from tablesync.sync_runner.sources.base import GONE, SourceProperty, SourceRecord, usable_id
from tablesync.sync_runner.sources.hubspot.values import UnfitValueError, read_value
from tablesync.sync_runner.values import Value


@dataclass(frozen=True, slots=True)
class Record:
    """A record as list, search and batch read show it, whatever it may hold.

    `id` is None if none is told that can be kept; `told` is all that was told, which of one that
    is `half` is less than was asked for.
    """

    id: str | None
    told: Any
    half: bool = False

    @classmethod
    def of(cls, told: Any) -> "Record":
        """Take in what an answer has where a record belongs."""
        return cls(usable_id(told.get("id")) if isinstance(told, dict) else None, told)

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties, none if what was told has no such."""
        found = self.told.get("properties") if isinstance(self.told, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def gone(self) -> bool:
        """Whether it is in the archive."""
        return isinstance(self.told, dict) and self.told.get("archived") in (True, "true")

    def marked(self, names: Set[str]) -> "Record":
        """Return it as `half` if it lacks one of these properties: an empty one is told as null."""
        told = self.told.get("properties") if isinstance(self.told, dict) else None
        return replace(self, half=isinstance(told, dict) and not names <= told.keys())

    def is_whole(self, names: Set[str]) -> bool:
        """Whether it has an id, and each of these properties, all of them texts or nothing.

        One that is not may be half of an answer: a better one is told a moment later.
        """
        if self.id is None:
            return False
        told = self.properties
        return names <= told.keys() and _NESTED.isdisjoint(map(type, told.values()))


class Records(Answer):
    """The records of an answer, and how many bytes it had."""

    results: tuple[Annotated[Record, PlainValidator(Record.of)], ...]
    size: int = 0

    def check(self) -> None:
        """Raise TransientError for an answer that says of itself that it is none."""

    def accounts_for(self, ids: Collection[str]) -> bool:
        """Whether it tells of each of the records that were asked for by their ids."""
        return True

    @property
    def last_id(self) -> str | None:
        """The last id that it tells."""
        return next((each.id for each in reversed(self.results) if each.id), None)


_NESTED = frozenset({dict, list})
R = TypeVar("R", bound=Records)
REMEDY = "change the record in HubSpot, and if that does not help, report it there"


def _count(told: Any) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) else None


class Found(Records):
    """What a search has found: its first records, how many there are, and where others are."""

    total: Annotated[int | None, BeforeValidator(_count)] = None
    paging: Any = None

    def goes_on(self, limit: int) -> bool:
        """Whether there is more than it shows; `limit` is how much it was asked to show.

        A page may be short: it is the last one only if nothing speaks of others.
        """
        shown = len(self.results)
        follows = isinstance(self.paging, dict) and bool(self.paging.get("next"))
        return shown >= limit or shown < (self.total or 0) or follows

    def check(self) -> None:
        """Raise TransientError if it shows nothing of what it says that there is."""
        if not self.results and self.goes_on(1):
            raise TransientError("HubSpot's search shows nothing of what it says that there is")


class Next(Answer):
    """Where a list goes on."""

    after: str


class Paging(Answer):
    """Whether a list goes on."""

    next: Next | None = None


class Listed(Records):
    """Records, one page of a list."""

    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        """Where the list goes on; None at its end."""
        return self.paging.next.after if self.paging and self.paging.next else None


def _all(told: Any) -> Any:
    return told if isinstance(told, list) else [] if told is None else [told]


class Batch(Records):
    """The records that were asked for by their ids, and why others are not among them."""

    errors: Annotated[tuple[Any, ...], BeforeValidator(_all)] = ()

    def check(self) -> None:
        """Raise TransientError where it is not said what could not be read."""
        if not all(_is_not_found(each) or _ids_of(each) for each in self.errors):
            raise TransientError("HubSpot could not read some of the records that were asked for")

    def accounts_for(self, ids: Collection[str]) -> bool:
        """Whether each was found, or is said not to be there: only that is gone.

        They are counted, since one that was merged answers with another id.
        """
        missing = self._missing.intersection(ids)
        return not self._failed and len(self.results) + len(missing) >= len(ids)

    def unread(self, ids: Collection[str]) -> list[str]:
        """Return which of the ids are of records that are there, and are not told.

        They could not be read, or may be among those that are told without an id.
        """
        left = set(ids) - {each.id for each in self.results} - self._missing
        nameless = any(each.id is None for each in self.results)
        return sorted(left if nameless else left & self._failed)

    @property
    def _missing(self) -> set[str]:
        return {id_ for each in self.errors if _is_not_found(each) for id_ in _ids_of(each)}

    @property
    def _failed(self) -> set[str]:
        return {id_ for each in self.errors if not _is_not_found(each) for id_ in _ids_of(each)}


def _is_not_found(error: Any) -> bool:
    return isinstance(error, dict) and error.get("category") == "OBJECT_NOT_FOUND"


def _ids_of(error: Any) -> list[str]:
    context = error.get("context") if isinstance(error, dict) else None
    ids = context.get("ids") if isinstance(context, dict) else None
    return [*filter(None, map(usable_id, ids if isinstance(ids, list) else []))]


def read_record(record: Record, properties: Sequence[SourceProperty]) -> SourceRecord:
    """Read a record; what cannot be read of it spoils it alone."""
    if record.id is None:
        return SourceRecord.unnamed(record.told)
    if not isinstance(record.told.get("properties"), dict):
        return SourceRecord(record.id, {}, record.gone, f"HubSpot tells nothing of it; {REMEDY}")
    if record.half:
        fault = f"HubSpot does not tell all of it that is mapped; {REMEDY}"
        return SourceRecord(record.id, {}, record.gone, fault)
    try:
        values = _values(record, properties)
    except UnfitValueError as error:
        return SourceRecord(record.id, {}, record.gone, f"{error}; {REMEDY}")
    except Exception as error:
        return SourceRecord(record.id, {}, record.gone, error)
    return SourceRecord(record.id, values, record.gone)


def _values(record: Record, properties: Sequence[SourceProperty]) -> dict[str, Value]:
    told = record.properties
    values = {each.name: read_value(told.get(each.name), each) for each in properties}
    return {**values, "id": record.id, GONE: record.gone}


def records_reader(
    model: type[R], names: Iterable[str], ids: Collection[str] = ()
) -> Callable[[httpx.Response], R]:
    """Make what reads records, asked for by these properties; where some are odd, it asks again.

    It does so once.
    """
    second_look = SecondLook()
    wanted = frozenset(names)

    def read(response: httpx.Response) -> R:
        found = understood(model, response)
        found.check()
        whole = all(each.is_whole(wanted) for each in found.results)
        if not (whole and found.accounts_for(ids)):
            second_look.take("HubSpot answered with records that are odd")
        results = found.results if whole else tuple(each.marked(wanted) for each in found.results)
        return found.model_copy(update={"size": len(response.content), "results": results})

    return read
