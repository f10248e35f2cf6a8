"""What HubSpot answers, as far as a sync reads it."""

from tablesync.sync_runner.access.answers import Answer
from tablesync.sync_runner.sources.base import SourceProperty


class Record(Answer):
    """A record as list, search and batch read show it."""

    id: str
    properties: dict[str, str | None]
    archived: bool | None = None


class Found(Answer):
    """What a search has found: its first records, and how many there are."""

    results: tuple[Record, ...]
    total: int | None = None


class Properties(Answer):
    """The properties of an object."""

    results: tuple[SourceProperty, ...]


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
