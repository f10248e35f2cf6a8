"""A table that is made in Airtable for a sync: a field for its key, and one for each property."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from tablesync.client import AwayError, ConflictError, InvalidError, ProblemError
from tablesync.contracts.internal_api import AirtableTable
from tablesync.contracts.public_api.catalog import NewTable
from tablesync.contracts.public_api.connections import LONGEST_RETURN_TO, ExtraPermission
from tablesync.contracts.public_api.syncs import NewMapping
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.operators import Operator
from tablesync.dashboard.pages.making.steps.base import called, trouble
from tablesync.dashboard.pages.making.wizard import UNPROCESSABLE, link
from tablesync.dashboard.shown.making.new_fields import NewFields, new_fields
from tablesync.dashboard.web.answers import SEE_OTHER
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.forms import Form

PERMISSION_MISSING = "permission-missing"
FIELDS = {"name": "name"}
# What stands around an address that the browser comes back to: where that is, and signs escaped.
ROOM_FOR_THE_REST = 500


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/syncs/new/table", include_in_schema=False)
    pages = NewTablePages(desk)

    @router.get("")
    async def show(asked: Operator, draft: str = "") -> Response:
        begun = await _named(asked, Draft.read(desk.signing, draft))
        return await pages.show(asked, begun, _typed_before(begun))

    @router.post("")
    async def make(asked: Operator, draft: str = "") -> Response:
        form = await desk.form(asked.request)
        return await pages.make(asked, Draft.read(desk.signing, draft), form)

    return router


@dataclass(frozen=True)
class NewTablePages:
    """Shows what a table would have, and has it made."""

    desk: Desk

    async def show(
        self, asked: Asked, draft: Draft, form: Form, *, lacks_permission: bool = False
    ) -> Response:
        """Show the fields to choose from."""
        if not (draft.has_source and draft.base):
            return self._go_to(asked, "table", draft)
        fields, why_not = NewFields(()), ""
        try:
            fields = await _fields(asked, draft)
        except (AwayError, ProblemError) as error:
            why_not = trouble(error)
        return self.desk.page(
            asked,
            "making/new_table.html",
            status=UNPROCESSABLE if form.errors else 200,
            draft=draft,
            form=form,
            fields=fields,
            why_not=why_not,
            here_again=self._address(draft),
            allowed_then=self._allowed_then(draft, form),
            back=asked.path(link(self.desk, "table", draft)),
            extras=await _extras(asked, draft) if lacks_permission else (),
        )

    async def make(self, asked: Asked, draft: Draft, form: Form) -> Response:
        """Make the table, and go on with a mapping of what was made."""
        try:
            chosen = (await _fields(asked, draft)).chosen(form.all("property"))
            wanted = NewTable(name=form.get("name"), fields=chosen.wanted())
            made = await asked.visitor.tablesync.catalog.create_table(
                draft.target, draft.base, wanted, idempotency_key=form.get("once")
            )
        except ValidationError as error:
            return await self.show(asked, draft, form.unreadable(error, FIELDS))
        except InvalidError as error:
            return await self.show(asked, draft, form.refused(error, FIELDS))
        except ConflictError as error:
            lacks = PERMISSION_MISSING in error.problem.type
            refused = form.with_error("", error.problem.detail)
            return await self.show(asked, draft, refused, lacks_permission=lacks)
        return self._go_to(asked, "mapping", _mapped(draft, made, chosen))

    def _allowed_then(self, draft: Draft, form: Form) -> str:
        """Return where to go on once tables may be made, with all that was typed.

        A choice of fields that is too long to be sent along is the usual one then.
        """
        typed = {"new_table": form.get("name"), "properties": tuple(form.all("property"))}
        begun = draft.brief().model_copy(update=typed)
        address = self._address(begun)
        if len(address) <= LONGEST_RETURN_TO - ROOM_FOR_THE_REST:
            return address
        return self._address(begun.model_copy(update={"properties": None}))

    def _address(self, draft: Draft) -> str:
        return f"/syncs/new/table?draft={quote(draft.signed(self.desk.signing))}"

    def _go_to(self, asked: Asked, step: str, draft: Draft) -> Response:
        return RedirectResponse(asked.path(link(self.desk, step, draft)), SEE_OTHER)


def _typed_before(draft: Draft) -> Form:
    """Return what was typed before the browser went elsewhere, to allow that tables are made."""
    if not draft.new_table:
        return Form()
    chosen = {} if draft.properties is None else {"property": draft.properties}
    return Form({"name": draft.new_table}, chosen)


async def _named(asked: Asked, draft: Draft) -> Draft:
    """Return a draft with the names that an address was too short for, as far as they are told."""
    if draft.connection_name or not (draft.has_source and draft.base):
        return draft
    tablesync = asked.visitor.tablesync
    try:
        connection, objects, bases = await asyncio.gather(
            tablesync.connections.get(draft.connection),
            tablesync.catalog.objects(draft.connection),
            tablesync.catalog.bases(draft.target),
        )
    except (AwayError, ProblemError):
        return draft
    labels = {each.name: each.label for each in objects.items}
    names = {each.id: each.name for each in bases.items}
    return draft.model_copy(
        update={
            "connection_name": called(connection),
            "object_name": labels.get(draft.object, draft.object),
            "base_name": names.get(draft.base, draft.base),
        }
    )


async def _fields(asked: Asked, draft: Draft) -> NewFields:
    catalog = asked.visitor.tablesync.catalog
    found = await catalog.properties(draft.connection, draft.object)
    return new_fields(found.items, draft.provider)


async def _extras(asked: Asked, draft: Draft) -> Sequence[ExtraPermission]:
    """Return what may be allowed to TableSync beside what it has."""
    target = await asked.visitor.tablesync.connections.get(draft.target)
    providers = await asked.visitor.tablesync.providers.all()
    return next((each.extras for each in providers if each.name == target.provider), ())


def _mapped(draft: Draft, made: AirtableTable, chosen: NewFields) -> Draft:
    """Return a draft that writes each property into the field that was made for it."""
    ids = {each.name: each.id for each in made.fields}
    mapping = tuple(
        NewMapping(source=each.source.name, field_id=ids[each.field.name])
        for each in chosen.items
        if each.field.name in ids
    )
    key = chosen.items[0].source.name if chosen.items else ""
    begun = draft.model_copy(update={"new_table": "", "properties": None})
    return begun.but(table=made.id, table_name=made.name, mapping=mapping, key=key)
