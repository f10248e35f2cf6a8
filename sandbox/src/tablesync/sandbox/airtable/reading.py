"""Reading records: list with filter, sort and pages, and get."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from tablesync.sandbox.web import entries, json_answer, json_object

from . import errors
from .access import admit_to_base, table_of
from .formulas import compile_formula
from .rendering import View
from .state import AirtableState
from .tables import Row, Table

MAXIMUM_PAGE = 100
_GET_PARAMETERS = frozenset({"cellFormat", "returnFieldsByFieldId", "timeZone", "userLocale"})
_LIST_PARAMETERS = _GET_PARAMETERS | {
    "fields",
    "filterByFormula",
    "maxRecords",
    "offset",
    "pageSize",
    "recordMetadata",
    "sort",
    "view",
}


class ReadingRoutes:
    """GET records."""

    def __init__(self, state: AirtableState) -> None:
        self._state = state

    async def list_by_query(self, request: web.Request) -> web.Response:
        """GET a page with the options in the URL."""
        return self._list(request, _options_of_query(request))

    async def list_by_body(self, request: web.Request) -> web.Response:
        """POST …/listRecords with the same options as JSON."""
        body = await json_object(request)
        if body is None:
            raise errors.invalid_request()
        return self._list(request, body)

    def _list(self, request: web.Request, options: Mapping[str, Any]) -> web.Response:
        base, _ = admit_to_base(self._state, request, "data.records:read")
        table = table_of(base, request)
        if set(options) - _LIST_PARAMETERS:
            raise errors.invalid_request()
        view = View(table, options)
        size = _bounded(options.get("pageSize"), MAXIMUM_PAGE)
        listings = self._state.listings
        if options.get("offset"):
            name, ids, start = listings.resume(table.id, str(options["offset"]))
        else:
            name, ids, start = "", _row_ids(table, options), 0
        answer: dict[str, Any] = {"records": view.rows(_present(table, ids[start : start + size]))}
        if start + size < len(ids):
            name = name or listings.open(table.id, ids)
            answer["offset"] = listings.offset(name, start + size)
        return json_answer(answer)

    async def get_record(self, request: web.Request) -> web.Response:
        """GET one record."""
        base, _ = admit_to_base(self._state, request, "data.records:read")
        table = table_of(base, request)
        options = _options_of_query(request)
        if set(options) - _GET_PARAMETERS:
            raise errors.invalid_request()
        row = table.rows.get(request.match_info["record"])
        if row is None:
            # A deleted or unknown record is not told apart from a missing permission.
            raise errors.permissions_or_model_not_found()
        return json_answer(View(table, options).row(row))


def _present(table: Table, ids: Sequence[str]) -> list[Row]:
    return [table.rows[row_id] for row_id in ids if row_id in table.rows]


def _bounded(value: Any, maximum: int) -> int:
    if value in (None, ""):
        return maximum
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise errors.invalid_request() from None
    if not 1 <= number <= maximum:
        raise errors.invalid_request()
    return number


def _row_ids(table: Table, options: Mapping[str, Any]) -> list[str]:
    if options.get("view") not in (None, "", table.view_id, "Grid view"):
        raise errors.unprocessable("VIEW_NAME_NOT_FOUND", f"View {options['view']} not found")
    rows = list(table.rows.values())
    if options.get("filterByFormula"):
        holds = compile_formula(table, str(options["filterByFormula"]))
        rows = [row for row in rows if holds(row)]
    for sort in reversed(entries(options.get("sort"), dict, errors.invalid_request())):
        _sort(table, rows, sort)
    if options.get("maxRecords") not in (None, ""):
        rows = rows[: _bounded(options["maxRecords"], 10**9)]
    return [row.id for row in rows]


def _sort(table: Table, rows: list[Row], sort: Mapping[str, Any]) -> None:
    field = table.field_named(str(sort.get("field")))
    if field is None:
        raise errors.unknown_field(str(sort.get("field")))
    field_id = field.id

    def key(row: Row) -> tuple[bool, Any]:
        value = row.cells.get(field_id)
        comparable = str(value) if isinstance(value, (list, dict)) else value
        return value is not None, 0 if value is None else comparable

    rows.sort(key=key, reverse=sort.get("direction") == "desc")


def _options_of_query(request: web.Request) -> dict[str, Any]:
    """Read `fields[]=a`, `fields[0]=a`, `sort[0][field]=b` and plain parameters."""
    options: dict[str, Any] = {}
    sorts: dict[str, dict[str, str]] = {}
    for name, value in request.query.items():
        head, _, tail = name.partition("[")
        parts = tail.rstrip("]").split("][") if tail else []
        if head == "sort" and len(parts) == 2:
            sorts.setdefault(parts[0], {})[parts[1]] = value
        elif head in ("fields", "recordMetadata"):
            options.setdefault(head, []).append(value)
        else:
            options[name] = value
    if sorts:
        options["sort"] = [sorts[position] for position in sorted(sorts)]
    return options
