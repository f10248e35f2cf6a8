"""Listings that go on over several pages, by offset; offsets die after some idle minutes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.sandbox.ids import airtable_id

from . import errors

IDLE_SECONDS = 300
KEPT = 200


@dataclass(slots=True)
class Listing:
    """The row ids of one listing in its order, as they were when it began."""

    table_id: str
    row_ids: Sequence[str]
    used_at: float
    positions: dict[str, int]
    """Where a page that was handed out ends, by the row that the next one starts with."""


class Listings:
    """The listings under way, oldest first."""

    def __init__(self) -> None:
        self._listings: dict[str, Listing] = {}

    def open(self, table_id: str, row_ids: Sequence[str]) -> str:
        """Keep a listing; return its iterator id."""
        name = airtable_id("itr")
        if len(self._listings) >= KEPT:
            self._listings.pop(next(iter(self._listings)))
        self._listings[name] = Listing(table_id, row_ids, time.monotonic(), {})
        return name

    def offset(self, name: str, position: int) -> str:
        """Return the offset under which a listing goes on at a position."""
        listing = self._listings[name]
        row_id = listing.row_ids[position]
        listing.positions[row_id] = position
        return f"{name}/{row_id}"

    def resume(self, table_id: str, offset: str) -> tuple[str, Sequence[str], int]:
        """Return the iterator id, its rows and the position that an offset stands for."""
        name, _, row_id = offset.partition("/")
        listing = self._listings.get(name)
        moment = time.monotonic()
        if (
            listing is None
            or listing.table_id != table_id
            or moment - listing.used_at > IDLE_SECONDS
            or row_id not in listing.positions
        ):
            raise errors.unprocessable(
                "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "The iterator is no longer available"
            )
        listing.used_at = moment
        return name, listing.row_ids, listing.positions[row_id]
