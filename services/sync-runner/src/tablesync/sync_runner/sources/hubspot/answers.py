"""What HubSpot answers, as far as a sync reads it."""

from collections.abc import Sequence

from tablesync.sync_runner.access.answers import Answer
from tablesync.sync_runner.sources.base import GONE, SourceProperty, SourceRecord
from tablesync.sync_runner.sources.hubspot.values import read_value


class Record(Answer):
    """A record as list, search and batch read show it."""

    id: str
    properties: dict[str, str | None]
    archived: bool | None = None


class Found(Answer):
    """What a search has found: its first records, and how many there are."""

    results: tuple[Record, ...]
    total: int | None = None


class Next(Answer):
    """Where a list goes on."""

    after: str


class Paging(Answer):
    """Whether a list goes on."""

    next: Next | None = None


class Listed(Answer):
    """Records, one page of a list or as they were asked for."""

    results: tuple[Record, ...]
    paging: Paging | None = None

    @property
    def after(self) -> str | None:
        """Where the list goes on; None at its end."""
        return self.paging.next.after if self.paging and self.paging.next else None


def read_record(record: Record, properties: Sequence[SourceProperty]) -> SourceRecord:
    """Read a record as list, search and batch read show it."""
    gone = bool(record.archived)
    told = record.properties
    values = {each.name: read_value(told.get(each.name), each) for each in properties}
    return SourceRecord(record.id, {**values, "id": record.id, GONE: gone}, gone)
