"""Pages of a list (keyset pagination): a cursor says after which item the next page begins.

In a route it is one parameter, and one call on the collection:

    a_page = pages.requested(default=100, most=1_000)

    @router.get("/v1/runs")
    async def list_runs(at: PageRequest = a_page, who: Principal = viewer) -> Page[RunView]:
        query = {"workspace_id": who.workspace_id}
        page = await read_page(runs, query, at, Run.from_document, descending=True)
        return page.map(RunView.of)

No item is shown twice or left out because others came or went between two pages.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import bson
from bson.errors import BSONError
from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from tablesync.service_kit.http.problems import Problem, invalid
from tablesync.service_kit.mongo import CODEC, Collection, Document
from tablesync.service_kit.mongo.reading import Found, Read, read_all

T = TypeVar("T")
U = TypeVar("U")

CURSOR_MAX_CHARACTERS = 2_000


class Page(BaseModel, Generic[T]):
    """A part of a list, and where to go on."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    items: list[T]
    next_cursor: str | None = Field(
        default=None, description="Send it as `cursor` for the next page; null on the last one."
    )
    unread_ids: list[str] = Field(
        default=[],
        description="What is left out of this page, since this version cannot read it.",
    )

    def map(self, view: Callable[[T], U]) -> "Page[U]":
        """Return the same page with each item shown."""
        return self.with_items([view(each) for each in self.items])

    def with_items(self, items: list[U]) -> "Page[U]":
        """Return the same page with other items."""
        return self.with_found(Found(items))

    def with_found(self, found: Found[U]) -> "Page[U]":
        """Return the same page with what was found for its items; names what cannot be read."""
        unread_ids = [*self.unread_ids, *(str(each) for each in found.unread_ids)]
        return Page(items=found.items, next_cursor=self.next_cursor, unread_ids=unread_ids)


@dataclass(frozen=True)
class PageRequest:
    """Which page a caller wants: so many items after a cursor, or from the beginning."""

    limit: int
    cursor: str | None = None


def requested(default: int, most: int) -> Any:
    """Make the default of a route's `at: PageRequest` parameter: its `limit` and `cursor`."""

    def request(
        limit: int = Query(default, ge=1, le=most, description="How many items at most."),
        cursor: str | None = Query(
            None, max_length=CURSOR_MAX_CHARACTERS, description="The `next_cursor` of a page."
        ),
    ) -> PageRequest:
        return PageRequest(limit, cursor)

    return Depends(request)


async def find_page(
    collection: Collection,
    query: Document,
    at: PageRequest,
    *,
    by: str = "_id",
    descending: bool = False,
    unique: bool = False,
) -> Page[Document]:
    """Find a page in the order of a field, then of the id; raises Problem 422 for a bad cursor.

    Every document has the field, of one type (text, whole number or date), and an index on what
    `query` compares, the field and the id, in this order, spares the sorting. Where the field is
    `unique` among what `query` finds, the id is not needed, neither there nor in the cursor.
    """
    order = _Order(by, descending, unique)
    wanted = query if at.cursor is None else {"$and": [query, order.after(at.cursor)]}
    cursor = collection.find(wanted, sort=order.sort, limit=at.limit + 1)
    rows = await cursor.to_list(at.limit + 1)
    items = rows[: at.limit]
    return Page(items=items, next_cursor=order.cursor(items[-1]) if len(rows) > at.limit else None)


async def read_page(
    collection: Collection, query: Document, at: PageRequest, read: Read[T], **order: Any
) -> Page[T]:
    """Find a page and read its items; those that this version cannot read are named beside."""
    page = await find_page(collection, query, at, **order)
    return page.with_found(read_all(collection, read, page.items))


@dataclass(frozen=True)
class _Order:
    by: str
    descending: bool
    unique: bool

    @property
    def fields(self) -> list[str]:
        return [self.by] if self.unique or self.by == "_id" else [self.by, "_id"]

    @property
    def sort(self) -> list[tuple[str, int]]:
        return [(each, -1 if self.descending else 1) for each in self.fields]

    def cursor(self, last: Document) -> str:
        position = {"order": self._name, "after": [last[each] for each in self.fields]}
        return base64.urlsafe_b64encode(bson.encode(position)).decode().rstrip("=")

    def after(self, cursor: str) -> Document:
        """Return the query for what comes later; raises Problem 422."""
        beyond = "$lt" if self.descending else "$gt"
        key, *last_id = self._read(cursor)
        if not last_id:
            return {self.by: {beyond: key}}
        tied_or_beyond = {self.by: {f"{beyond}e": key}}  # bounds the walk through the index
        return {**tied_or_beyond, "$or": [{self.by: {beyond: key}}, {"_id": {beyond: last_id[0]}}]}

    def _read(self, cursor: str) -> list[Any]:
        """Read a cursor of this very order: MongoDB finds nothing beyond a value of another type.

        It comes from outside, so no value may be a document, in which MongoDB sees operators.
        """
        try:
            position = bson.decode(base64.urlsafe_b64decode(cursor + "=="), CODEC)
        except (ValueError, BSONError) as error:
            raise _bad_cursor() from error
        after = position.get("after")
        if position.get("order") != self._name or not isinstance(after, list):
            raise _bad_cursor()
        if len(after) != len(self.fields) or not all(map(_is_plain, after)):
            raise _bad_cursor()
        return after

    @property
    def _name(self) -> str:
        return f"{'-' if self.descending else ''}{self.by}"


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | datetime)


def _bad_cursor() -> Problem:
    return invalid(
        "cursor",
        "is not one that this list gave",
        "Send a page's `next_cursor` unchanged, or no cursor for the first page.",
    )
