"""What every source offers: its objects, their properties, and pages of records."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any, Protocol, Self

import httpx
from tablesync.sync_runner.access.answers import NOT_UNDERSTOOD
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.values import Option, Unit, Value, ValueKind

# The property that tells whether a record was deleted at the source; read only if it is mapped.
GONE = "archived"

# A longer id is none: it is kept with everything that is known of its record.
LONGEST_ID = 200

# What became of a record where its source does not tell.
UNTOLD = "gone"

# Where a reading stands: plain JSON, stored in checkpoints, understood by its source alone.
Position = dict[str, Any]


@dataclass(frozen=True)
class SourceObject:
    """A kind of record that a provider has."""

    name: str
    label: str


@dataclass(frozen=True)
class SourceProperty:
    """A property of an object, custom ones too; `type` is the provider's own name for its type.

    `zone` is the account's time zone: in it a moment is the day that people see at the source.
    Of one that is of the type NOT_UNDERSTOOD only the name is known: it can be neither read nor
    offered.
    """

    name: str
    label: str
    type: str
    kind: ValueKind = ValueKind.TEXT
    options: tuple[Option, ...] = ()
    unit: Unit | None = None
    zone: tzinfo = UTC

    @property
    def understood(self) -> bool:
        """Whether more is known of it than its name."""
        return self.type != NOT_UNDERSTOOD

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """What people see, by value, and by the value without the spaces around it."""
        trimmed = {each.value.strip(): each.label for each in reversed(self.options)}
        return trimmed | {each.value: each.label for each in self.options}


@dataclass(frozen=True)
class Opening:
    """An object as a pass finds it; `began_ms` is the provider's clock in unix milliseconds."""

    properties: Sequence[SourceProperty]
    began_ms: int


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One record; `values`, by property, hold the record's id as `id`.

    `gone` tells that it was deleted at the source: its row is marked, but none is made for it.
    `fault` says, for people, why it could not be read, or is what our own code failed with: it
    alone is rejected. One that is `nameless` bears an id of our own, which its source knows not.
    `fate` tells what became of one that its source does not show any more: its row is marked, and
    keeps its other cells.
    """

    id: str
    values: Mapping[str, Value]
    gone: bool = False
    fault: str | Exception | None = None
    nameless: bool = False
    fate: str | None = None

    @classmethod
    def unnamed(cls, told: object) -> Self:
        """Stand for what was told without an id that can be kept: the same each time."""
        digest = hashlib.blake2b(shown(told).encode(errors="replace"), digest_size=8).hexdigest()
        fault = (
            "its source tells no id by which it could be found again; change the record there, "
            "and if that does not help, report it to the provider"
        )
        return cls(f"unreadable-{digest}", {}, fault=fault, nameless=True)


def shown(told: object) -> str:
    """Show what a provider told, whatever it is."""
    try:
        return repr(told)
    except RecursionError:
        return f"a {type(told).__name__} that is nested too deeply to be shown"


def usable_id(told: object) -> str | None:
    """Return an id that can be kept, shown and asked for; None if it is none."""
    text = str(told) if isinstance(told, int) and not isinstance(told, bool) else told
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_ID:
        return None
    return text if text.isprintable() and text == text.strip() else None


@dataclass(frozen=True)
class Page:
    """Records in reading order, and where to go on after them; `total` if it is known.

    A page without records says that the provider is working: a bulk operation takes hours, and a
    run that waits for it does not stall. `size` is how many bytes the provider answered with.
    """

    records: Sequence[SourceRecord]
    position: Position
    total: int | None = None
    size: int = 0

    @cached_property
    def by_id(self) -> Mapping[str, SourceRecord]:
        """Its records, each once, by an id that can be kept."""
        fit = (
            each if usable_id(each.id) else SourceRecord.unnamed(each.id) for each in self.records
        )
        return {each.id: each for each in fit}


class Source(Protocol):
    """One connection's records.

    `ids_at_once` is how many of them can be read by id in one request; None if none can.
    """

    @property
    def ids_at_once(self) -> int | None:
        """How many records can be read by id at once."""

    async def objects(self) -> list[SourceObject]:
        """Return the objects that can be synced."""

    async def open(self, object_: str) -> Opening:
        """Return an object's properties, and the time by the provider's clock.

        Besides the provider's own there are `id` and, where deletions can be seen, GONE.

        Raises RunFailedError for an unknown object.
        """

    def read(
        self, object_: str, properties: Sequence[SourceProperty], position: Position
    ) -> AsyncIterator[Page]:
        """Read pages from a position to the end of the pass."""

    async def read_ids(
        self, object_: str, properties: Sequence[SourceProperty], ids: Sequence[str]
    ) -> list[SourceRecord]:
        """Read up to `ids_at_once` records; those that are gone are left out."""

    async def fates(self, object_: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Return what became of up to `ids_at_once` records that were left out, as far as is told.

        Such as `deleted`, `merged into 12` or `purged`.
        """

    def first_position(self, cursor_ms: int | None, began_ms: int) -> Position:
        """Return the position of a pass that begins now: everything, or what changed since."""


class SourceProvider(Protocol):
    """A provider that syncs can read from: what all its connections share in one process."""

    @property
    def http(self) -> httpx.AsyncClient:
        """The client of its API; whoever started the provider closes it."""

    def open(self, client: ProviderClient, account_id: str) -> Source:
        """Open one account's records."""
