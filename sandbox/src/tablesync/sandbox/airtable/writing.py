"""Writing records: create, update, upsert and delete, all or nothing, ten at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from tablesync.sandbox.oauth.grants import Grant
from tablesync.sandbox.web import json_answer, json_object

from . import errors
from .access import admit_to_base, has_role, table_of
from .cells import CellReader
from .rendering import View, flag
from .state import AirtableState
from .tables import Base, Cells, Row, Table
from .upsert import merge_fields, plan_upsert

MAXIMUM_RECORDS = 10
_WRITE_PARAMETERS = frozenset({"fields", "records", "typecast", "returnFieldsByFieldId",
                               "performUpsert"})  # fmt: skip


@dataclass(slots=True)
class Write:
    """One admitted write request."""

    base: Base
    table: Table
    body: Mapping[str, Any]
    reader: CellReader
    view: View


class WritingRoutes:
    """POST, PATCH, PUT and DELETE on records."""

    def __init__(self, state: AirtableState) -> None:
        self._state = state

    async def _open(self, request: web.Request) -> Write:
        base, grant = admit_to_base(self._state, request, "data.records:write", "edit")
        table = table_of(base, request)
        if table.synced:
            raise errors.synced_table()
        body = await json_object(request)
        if not body or set(body) - _WRITE_PARAMETERS:
            raise errors.invalid_request()
        return _write(base, grant, table, body)

    async def create(self, request: web.Request) -> web.Response:
        """POST one record or up to ten."""
        write = await self._open(request)
        many = "records" in write.body
        entries = write.body["records"] if many else [write.body]
        if not isinstance(entries, list):
            raise errors.invalid_request()
        if len(entries) > MAXIMUM_RECORDS:
            raise errors.invalid_request(
                f"A maximum of {MAXIMUM_RECORDS} records can be created per request but you have "
                f"provided {len(entries)}."
            )
        cells = [write.reader.read(_fields(entry)) for entry in entries]
        _require_room(write.base, len(cells))
        write.reader.commit()
        shown = write.view.rows([write.table.create(entry) for entry in cells])
        self._state.counters.airtable.records_created += len(shown)
        return json_answer({"records": shown} if many else shown[0])

    async def update_one(self, request: web.Request) -> web.Response:
        """PATCH or PUT one record by id."""
        write = await self._open(request)
        row = write.table.rows.get(request.match_info["record"])
        if row is None:
            raise errors.permissions_or_model_not_found()
        cells = write.reader.read(_fields(write.body))
        write.reader.commit()
        self._update(write.table, [(row, cells)], replace=request.method == "PUT")
        return json_answer(write.view.row(row))

    async def update_many(self, request: web.Request) -> web.Response:
        """PATCH or PUT up to ten records by id, or upsert them."""
        write = await self._open(request)
        entries = write.body.get("records")
        if not isinstance(entries, list) or not 1 <= len(entries) <= MAXIMUM_RECORDS:
            raise _bad_records()
        replace = request.method == "PUT"
        if "performUpsert" in write.body:
            return await self._upsert(request, write, entries, replace)
        updates = []
        for entry in entries:
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
                raise _bad_records()
            updates.append((_row(write.table, entry["id"]), write.reader.read(_fields(entry))))
        write.reader.commit()
        self._update(write.table, updates, replace)
        return json_answer({"records": write.view.rows([row for row, _ in updates])})

    def _update(self, table: Table, updates: list[tuple[Row, Cells]], replace: bool) -> None:
        _change(table, updates, replace)
        self._state.counters.airtable.records_updated += len(updates)
        self._state.counters.airtable.doubling_writes += table.doubles(row for row, _ in updates)

    async def _upsert(
        self, request: web.Request, write: Write, entries: list[Any], replace: bool
    ) -> web.Response:
        merge_on = merge_fields(write.table, write.body["performUpsert"])
        cells = [write.reader.read(_fields(entry)) for entry in entries]
        counters = self._state.counters.airtable
        plan = plan_upsert(write.table, merge_on, entries, cells, counters)
        _require_room(write.base, sum(row is None for row, _ in plan))
        await self._state.faults.write_slowly(request["call"])
        write.reader.commit()
        rows: list[Row] = []
        created: list[str] = []
        for row, values in plan:
            if row is None:
                row = write.table.create(values)  # noqa: PLW2901 - the row of this entry
                created.append(row.id)
            else:
                _change(write.table, [(row, values)], replace)
            rows.append(row)
        counters.records_created += len(created)
        counters.records_updated += len(rows) - len(created)
        counters.doubling_writes += write.table.doubles(rows)
        updated = [row.id for row in rows if row.id not in created]
        return json_answer(
            {
                "records": write.view.rows(rows),
                "createdRecords": created,
                "updatedRecords": updated,
            }
        )

    async def delete_one(self, request: web.Request) -> web.Response:
        """DELETE one record."""
        base, _ = admit_to_base(self._state, request, "data.records:write", "edit")
        return json_answer(_delete(table_of(base, request), [request.match_info["record"]])[0])

    async def delete_many(self, request: web.Request) -> web.Response:
        """DELETE up to ten records."""
        base, _ = admit_to_base(self._state, request, "data.records:write", "edit")
        ids = request.query.getall("records[]", []) or request.query.getall("records", [])
        if not 1 <= len(ids) <= MAXIMUM_RECORDS:
            raise _bad_records()
        return json_answer({"records": _delete(table_of(base, request), ids)})


def _change(table: Table, updates: list[tuple[Row, Cells]], replace: bool) -> None:
    for row, cells in updates:
        cleared = dict.fromkeys(row.cells) if replace else {}
        table.update(row, {**cleared, **cells})


def _write(base: Base, grant: Grant, table: Table, body: Mapping[str, Any]) -> Write:
    may_add_options = has_role(grant, base, "create")
    reader = CellReader(table, flag(body.get("typecast")), may_add_options, base.tables)
    shown_as = {"returnFieldsByFieldId": body.get("returnFieldsByFieldId")}
    return Write(base, table, body, reader, View(table, shown_as))


def _require_room(base: Base, rows: int) -> None:
    if rows and not base.has_room_for(rows):
        raise errors.base_is_full()


def _fields(entry: Any) -> dict[str, Any]:
    fields = entry.get("fields") if isinstance(entry, dict) else None
    if not isinstance(fields, dict):
        raise errors.unprocessable(
            "INVALID_REQUEST_MISSING_FIELDS", 'Could not find field "fields" in the request body'
        )
    return fields


def _row(table: Table, record_id: str) -> Row:
    row = table.rows.get(record_id)
    if row is None:
        raise errors.row_does_not_exist(record_id)
    return row


def _bad_records() -> Exception:
    return errors.unprocessable(
        "INVALID_RECORDS",
        f"You must provide an array of up to {MAXIMUM_RECORDS} record objects, each with an "
        '"id" ID field and a "fields" object for cell values.',
    )


def _delete(table: Table, ids: list[str]) -> list[dict[str, Any]]:
    if any(record_id not in table.rows for record_id in ids):
        raise errors.record_not_found()
    for record_id in dict.fromkeys(ids):
        table.delete(record_id)
    return [{"id": record_id, "deleted": True} for record_id in ids]
