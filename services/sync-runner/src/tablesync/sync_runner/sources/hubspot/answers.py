"""What HubSpot answers, as far as a sync reads it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BeforeValidator, PlainValidator
from tablesync.sync_runner.access.answers import Answer, TransientError, understood
from tablesync.sync_runner.sources.base import GONE, SourceProperty, SourceRecord, usable_id
from tablesync.sync_runner.sources.hubspot.values import UnfitValueError, read_value
from tablesync.sync_runner.values import Value


@dataclass(frozen=True, slots=True)
class Record:
    """A record as list, search and batch read show it, whatever it may hold.

    `id` is None if none is told that can be kept; `told` is all that was told.
    """

    id: str | None
    told: Any

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

    @property
    def whole(self) -> bool:
        """Whether it has an id, and properties that are texts or nothing.

        One that is not may be half of an answer: a better one is told a moment later.
        """
        if self.id is None or not isinstance(self.told.get("properties"), dict):
            return False
        return _NESTED.isdisjoint(map(type, self.properties.values()))


class Records(Answer):
    """The records of an answer, and how many bytes it had."""

    results: tuple[Annotated[Record, PlainValidator(Record.of)], ...]
    size: int = 0

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
    """What a search has found: its first records, and how many there are."""

    total: Annotated[int | None, BeforeValidator(_count)] = None


class Next(Answer):
    """Where a list goes on."""

    after: str


class Paging(Answer):
    """Whether a list goes on."""

    next: Next | None = None


class Listed(Records):
    """Records, one page of a list or as they were asked for."""

    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        """Where the list goes on; None at its end."""
        return self.paging.next.after if self.paging and self.paging.next else None


def read_record(record: Record, properties: Sequence[SourceProperty]) -> SourceRecord:
    """Read a record; what cannot be read of it spoils it alone."""
    if record.id is None:
        return SourceRecord.unnamed(record.told)
    if not isinstance(record.told.get("properties"), dict):
        return SourceRecord(record.id, {}, record.gone, f"HubSpot tells nothing of it; {REMEDY}")
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


def records_reader(model: type[R]) -> Callable[[httpx.Response], R]:
    """Make what reads records; where some are odd, it asks for a better answer once."""
    asked_again = False

    def read(response: httpx.Response) -> R:
        nonlocal asked_again
        found = understood(model, response)
        if not asked_again and not all(each.whole for each in found.results):
            asked_again = True
            raise TransientError("HubSpot answered with records that are odd", retry_after=0.5)
        return found.model_copy(update={"size": len(response.content)})

    return read
