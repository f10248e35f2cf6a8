"""Who is connected, and reading and changing schemas."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from tablesync.sandbox.ids import airtable_id
from tablesync.sandbox.web import entries, json_answer, json_object

from . import errors
from .access import admit, admit_to_base, table_of
from .defaults import make_table
from .field_types import COMPUTED, make_computed_field, make_field
from .state import AirtableState
from .tables import Base, Field, Table

BASES_PER_PAGE = 1000


class SchemaRoutes:
    """GET, POST and PATCH under /v0/meta."""

    def __init__(self, state: AirtableState) -> None:
        self._state = state

    async def whoami(self, request: web.Request) -> web.Response:
        """GET whose token it is."""
        grant = admit(self._state, request)
        scopes = request["call"].token.scopes
        answer: dict[str, Any] = {"id": grant.account, "scopes": scopes}
        if "user.email:read" in scopes:
            answer["email"] = grant.user
        return json_answer(answer)

    async def bases(self, request: web.Request) -> web.Response:
        """GET the granted bases, a thousand a page."""
        grant = admit(self._state, request, "schema.bases:read")
        reachable = self._state.reachable(grant)
        ids = [base.id for base in reachable]
        offset = request.query.get("offset", "").removeprefix("itr/")
        start = ids.index(offset) if offset in ids else 0
        shown = [
            {"id": base.id, "name": base.name, "permissionLevel": base.permissions[grant.account]}
            for base in reachable[start : start + BASES_PER_PAGE]
        ]
        answer: dict[str, Any] = {"bases": shown}
        if start + BASES_PER_PAGE < len(ids):
            answer["offset"] = f"itr/{ids[start + BASES_PER_PAGE]}"
        return json_answer(answer)

    async def create_base(self, request: web.Request) -> web.Response:
        """POST a base with its tables."""
        grant = admit(self._state, request, "schema.bases:write")
        body = await _body(request)
        base = new_base(str(body.get("name") or "Untitled"), grant.account, body.get("tables"))
        base.workspace_id = str(body.get("workspaceId") or base.workspace_id)
        self._state.bases[base.id] = base
        if grant.bases is not None:
            grant.bases.add(base.id)
        return json_answer({"id": base.id, "tables": _tables(base)})

    async def tables(self, request: web.Request) -> web.Response:
        """GET a base's schema."""
        base, _ = admit_to_base(self._state, request, "schema.bases:read")
        include = request.query.getall("include[]", []) + request.query.getall("include", [])
        shown = _tables(base)
        if "visibleFieldIds" in include:
            for table in shown:
                ids = [field["id"] for field in table["fields"]]
                table["views"] = [{**view, "visibleFieldIds": ids} for view in table["views"]]
        return json_answer({"tables": shown})

    async def create_table(self, request: web.Request) -> web.Response:
        """POST a table."""
        base, _ = admit_to_base(self._state, request, "schema.bases:write", "create")
        return json_answer(add_table(base, await _body(request)).shown())

    async def change_table(self, request: web.Request) -> web.Response:
        """PATCH a table's name or description."""
        base, _ = admit_to_base(self._state, request, "schema.bases:write", "create")
        table, body = table_of(base, request), await _body(request)
        table.name = str(body.get("name") or table.name)
        table.description = body.get("description", table.description)
        return json_answer(table.shown())

    async def create_field(self, request: web.Request) -> web.Response:
        """POST a field."""
        base, _ = admit_to_base(self._state, request, "schema.bases:write", "create")
        return json_answer(add_field(base, table_of(base, request), await _body(request)).shown())

    async def change_field(self, request: web.Request) -> web.Response:
        """PATCH a field's name or description; its type cannot be changed."""
        base, _ = admit_to_base(self._state, request, "schema.bases:write", "create")
        table, body = table_of(base, request), await _body(request)
        field = table.fields.get(request.match_info["field"])
        if field is None:
            raise errors.permissions_or_model_not_found()
        if set(body) - {"name", "description"}:
            raise errors.invalid_request()
        if "name" in body:
            rename_field(table, field, str(body["name"]))
        field.description = body.get("description", field.description)
        return json_answer(field.shown())


async def _body(request: web.Request) -> dict[str, Any]:
    body = await json_object(request)
    if body is None:
        raise errors.invalid_request()
    return body


def _tables(base: Base) -> list[dict[str, Any]]:
    return [table.shown() for table in base.tables.values()]


def new_base(name: str, owner: str, tables: Any) -> Base:
    """Return a base that its owner may do everything in."""
    base = Base(airtable_id("app"), name, airtable_id("wsp"), {owner: "create"})
    for wanted in entries(tables, dict, errors.invalid_request()):
        add_table(base, wanted)
    return base


def add_table(base: Base, wanted: Mapping[str, Any]) -> Table:
    """Add a table to a base, or raise a 422 refusal."""
    name = str(wanted.get("name") or "").strip()
    if not name or any(table.name.lower() == name.lower() for table in base.tables.values()):
        raise errors.unprocessable("DUPLICATE_TABLE_NAME", f"Table name {name} is not free")
    fields = entries(wanted.get("fields"), dict, errors.invalid_request())
    table = make_table(name, fields, description=wanted.get("description"))
    base.tables[table.id] = table
    return table


def add_field(
    base: Base, table: Table, wanted: Mapping[str, Any], *, by_hand: bool = False
) -> Field:
    """Add a field to a table, or raise a 422 refusal; people can make computed ones."""
    by_hand = by_hand and wanted.get("type") in COMPUTED
    field = make_computed_field(wanted) if by_hand else make_field(table.name, wanted)
    linked = (field.options or {}).get("linkedTableId")
    if linked is not None and linked not in base.tables:
        raise errors.invalid_options(table.name, field.name, f"there is no table {linked}")
    _require_free(table, field.name)
    table.fields[field.id] = field
    return field


def rename_field(table: Table, field: Field, name: str) -> None:
    """Rename a field, or raise a 422 refusal."""
    if name.lower() != field.name.lower():
        _require_free(table, name)
    field.name = name


def _require_free(table: Table, name: str) -> None:
    taken = any(field.name.lower() == name.lower() for field in table.fields.values())
    if taken or not name.strip():
        text = f'Field name "{name}" is empty or already in use'
        raise errors.unprocessable("DUPLICATE_OR_EMPTY_FIELD_NAME", text)
