"""Lists, page by page: an item that cannot be read is left out and named, and hides no other."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from tablesync.client.edge import Edge, Query, heard
from tablesync.client.errors import AwayError

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Page(Generic[M]):
    """A part of a list, and where to go on.

    `unread_ids` are left out, since the service or this client cannot read them.
    """

    items: list[M]
    next_cursor: str | None = None
    unread_ids: tuple[str, ...] = ()


async def read_page(edge: Edge, path: str, model: type[M], query: Query) -> Page[M]:
    """Ask for one page; `query` has its `limit` and `cursor`, too."""
    said = await edge.get_json(path, query)
    if not isinstance(said, dict) or not isinstance(said.get("items"), list):
        raise AwayError(edge.service, "sent a list that this version cannot read")
    items, unread = _read_items(said["items"], model)
    named = [str(each) for each in said.get("unread_ids") or ()]
    return Page(items, said.get("next_cursor") or None, (*named, *unread))


async def read_all(
    edge: Edge, path: str, model: type[M], **query: str | int | None
) -> AsyncIterator[M]:
    """Yield the items of a list, to its last page."""
    cursor: str | None = None
    while True:
        page = await read_page(edge, path, model, {**query, "cursor": cursor})
        for each in page.items:
            yield each
        cursor = page.next_cursor
        if cursor is None:
            return


def _read_items(said: list[Any], model: type[M]) -> tuple[list[M], list[str]]:
    items: list[M] = []
    unread: list[str] = []
    for each in said:
        try:
            items.append(heard(model, each))
        except ValidationError:
            unread.append(str(each.get("id", "?")) if isinstance(each, Mapping) else "?")
    return items, unread
