"""Looks rows up by their keys, where it is not known whether they were made."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby

from tablesync.sync_runner.airtable.cells import Cell, is_blank
from tablesync.sync_runner.airtable.client import AirtableClient, Row
from tablesync.sync_runner.airtable.errors import RefusedError
from tablesync.sync_runner.airtable.schema import Field


class Lookup:
    """Finds the rows of one table by its key."""

    def __init__(self, client: AirtableClient, base_id: str, table_id: str, key: Field) -> None:
        self._client = client
        self._place = (base_id, table_id)
        self._key = key

    async def row_ids(self, keys: Sequence[Cell]) -> list[str | None]:
        """Return for each key its row; None for one that has none, or several."""
        wanted = [_plain(each) for each in keys]
        rows = await self._rows(with_any_of(self._key, keys))
        told = sorted((_plain(each.fields.get(self._key.id)), each.id) for each in rows)
        found = {key: [id_ for _, id_ in each] for key, each in groupby(told, lambda it: it[0])}
        ids = [found.get(each, []) for each in wanted]
        return [each[0] if len(each) == 1 else None for each in ids]

    async def find(self, row_id: str | None, key: Cell, fields: Sequence[str]) -> Row | None:
        """Return a row by its id, or else the only one that has the key, with these fields.

        One that is asked for in a way that Airtable does not take is not found.
        """
        by_id = [f"RECORD_ID() = {_quoted(row_id)}"] if row_id else []
        tests = [*by_id, *([] if is_blank(key) else [_test(self._key, key)])]
        if not tests:
            return None
        wanted = list(dict.fromkeys([self._key.id, *fields]))
        try:
            rows = await self._rows(f"OR({', '.join(tests)})", wanted)
        except RefusedError:
            return None
        own = [each for each in rows if each.id == row_id]
        keyed = [each for each in rows if _plain(each.fields.get(self._key.id)) == _plain(key)]
        return own[0] if own else keyed[0] if len(keyed) == 1 else None

    async def by_ids(self, row_ids: Sequence[str], fields: Sequence[str]) -> dict[str, Row]:
        """Return those of a few rows that are there, by id, with these fields."""
        tests = ", ".join(f"RECORD_ID() = {_quoted(each)}" for each in row_ids)
        return {each.id: each for each in await self._rows(f"OR({tests})", fields)}

    async def all_row_ids(self) -> dict[str, str]:
        """Return a row for every key that the table has, by the key as `plain` tells it."""
        rows = await self._rows(None)
        told = ((each.fields.get(self._key.id), each.id) for each in rows)
        return {_plain(key): id_ for key, id_ in told if key is not None}

    @staticmethod
    def plain(key: Cell) -> str:
        """Return a key in the form in which it is compared."""
        return _plain(key)

    async def _rows(self, formula: str | None, fields: Sequence[str] = ()) -> list[Row]:
        pages = self._client.rows(*self._place, fields or [self._key.id], formula=formula)
        return [row async for page in pages for row in page.records]


def with_any_of(key: Field, cells: Iterable[Cell]) -> str:
    """Return the formula that holds for the rows with one of these keys, and perhaps for more.

    How Airtable compares texts and lists is not documented to the letter: who asks compares again.
    """
    tests = ", ".join(_test(key, each) for each in cells)
    return f"OR({tests})"


def _test(key: Field, cell: Cell) -> str:
    field = f"{{{key.id}}}"
    if key.type == "date":
        return f"DATESTR({field}) = {_quoted(str(cell))}"
    if isinstance(cell, list):
        parts = ", ".join(f'FIND({_quoted(each)}, {field} & "")' for each in cell)
        return f"AND({parts})"
    if isinstance(cell, int | float):
        return f"{field} = {Decimal(repr(cell)):f}"
    return f"{field} = {_quoted(str(cell))}"


def _quoted(text: str) -> str:
    """Return a text of the formula language: with a backslash before what would end it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for plain, written in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        escaped = escaped.replace(plain, written)
    return f'"{escaped}"'


def _plain(cell: object) -> str:
    """Return a key in the one form in which it is compared; the order of options is none."""
    if isinstance(cell, list):
        return json.dumps(sorted(map(str, cell)))
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return json.dumps(float(cell))
    return json.dumps(cell)
