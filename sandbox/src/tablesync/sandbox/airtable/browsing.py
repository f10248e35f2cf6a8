"""A table and its rows, as whoever follows a link of TableSync's would look at them."""

from collections.abc import Iterable
from itertools import islice

from aiohttp import web
from tablesync.sandbox.pages import A_PAGE, records_page

from .rendering import text_of
from .state import AirtableState
from .tables import Row, Table


class BrowsingRoutes:
    """Pages of tables and rows; whoever reaches the sandbox may see them all."""

    def __init__(self, state: AirtableState) -> None:
        self._state = state

    async def show(self, request: web.Request) -> web.Response:
        """GET a table, or one of its rows."""
        base = self._state.bases.get(request.match_info["base"])
        table = base.table_named(request.match_info["table"]) if base else None
        if base is None or table is None:
            raise web.HTTPNotFound
        row_id = request.match_info.get("row")
        if row_id is not None and row_id not in table.rows:
            raise web.HTTPNotFound
        rows = [table.rows[row_id]] if row_id else islice(table.rows.values(), A_PAGE)
        return records_page(
            "airtable",
            f"{base.name} / {table.name}",
            [each.name for each in table.fields.values()],
            _texts(table, rows),
            of=1 if row_id else len(table.rows),
        )


def _texts(table: Table, rows: Iterable[Row]) -> list[list[str]]:
    return [
        [text_of(row.cells[each]) if each in row.cells else "" for each in table.fields]
        for row in rows
    ]
