"""A table that is made in Airtable for a sync: a field for its key, and one for each property."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from tablesync.client import AwayError, ConflictError, InvalidError, ProblemError
from tablesync.contracts.internal_api import AirtableTable
from tablesync.contracts.public_api.catalog import NewTable
from tablesync.contracts.public_api.connections import ExtraPermission
from tablesync.contracts.public_api.syncs import NewMapping
from tablesync.dashboard.pages.making import kept as keeping
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.kept import MOVED_ON, Kept
from tablesync.dashboard.pages.making.operators import Operator
from tablesync.dashboard.pages.making.steps.base import trouble
from tablesync.dashboard.pages.making.wizard import CONFLICT, UNPROCESSABLE
from tablesync.dashboard.shown.making.new_fields import NewFields, new_fields
from tablesync.dashboard.web.answers import SEE_OTHER
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.forms import Form

PERMISSION_MISSING = "permission-missing"
FIELDS = {"name": "name"}


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/syncs/new/table", include_in_schema=False)
    pages = NewTablePages(desk)

    @router.get("")
    async def show(asked: Operator, draft: str = "") -> Response:
        kept = await keeping.read(asked, draft)
        return await pages.show(asked, kept, _typed_before(kept.draft))

    @router.post("")
    async def make(asked: Operator, draft: str = "") -> Response:
        form = await desk.form(asked.request)
        kept = await keeping.read(asked, draft)
        if kept.has_moved_on(form) and not _is_typed(kept.draft, form):
            return await pages.tell(asked, kept, form)
        return await pages.make(asked, kept, form)

    return router


@dataclass(frozen=True)
class NewTablePages:
    """Shows what a table would have, and has it made."""

    desk: Desk

    async def show(
        self,
        asked: Asked,
        kept: Kept,
        form: Form,
        status: int = 200,
        *,
        lacks_permission: bool = False,
    ) -> Response:
        """Show the fields to choose from."""
        draft = kept.draft
        if not (draft.has_source and draft.base):
            return self._go_to(asked, "table", kept)
        fields, why_not = NewFields(()), ""
        try:
            fields = await _fields(asked, draft)
        except (AwayError, ProblemError) as error:
            why_not = trouble(error)
        return self.desk.page(
            asked,
            "making/new_table.html",
            status=status,
            kept=kept,
            draft=draft,
            form=form,
            fields=fields,
            why_not=why_not,
            back=asked.path(kept.address("table")),
            extras=await _extras(asked, draft) if lacks_permission else (),
        )

    async def tell(self, asked: Asked, kept: Kept, form: Form) -> Response:
        """Tell that a draft has moved on; to the very table that was wanted, a second click did."""
        draft = kept.draft
        if draft.has_mapping and draft.table_name == form.get("name"):
            return self._go_to(asked, "mapping", kept)
        return await self.show(asked, kept, form.with_error("", MOVED_ON), CONFLICT)

    async def make(self, asked: Asked, kept: Kept, form: Form) -> Response:
        """Make the table, and go on with a mapping of what was made."""
        draft = kept.draft
        try:
            chosen = (await _fields(asked, draft)).chosen(form.all("property"))
            wanted = NewTable(name=form.get("name"), fields=chosen.wanted())
            made = await asked.visitor.tablesync.catalog.create_table(
                draft.target, draft.base, wanted, idempotency_key=form.get("once")
            )
        except ValidationError as error:
            return await self.show(asked, kept, form.unreadable(error, FIELDS), UNPROCESSABLE)
        except InvalidError as error:
            return await self.show(asked, kept, form.refused(error, FIELDS), UNPROCESSABLE)
        except ConflictError as error:
            return await self._refuse(asked, kept, form, error)
        return await self._go_on(asked, kept, form, _mapped(draft, made, chosen))

    async def _refuse(self, asked: Asked, kept: Kept, form: Form, error: ConflictError) -> Response:
        """Say why no table was made; what was typed is kept while more is allowed at Airtable."""
        lacks = PERMISSION_MISSING in error.problem.type
        if lacks:
            draft = kept.draft.model_copy(update=_typed(form))
            kept = await keeping.keep(asked, kept, draft, form.get("once"))
        refused = form.with_error("", error.problem.detail)
        return await self.show(asked, kept, refused, UNPROCESSABLE, lacks_permission=lacks)

    async def _go_on(self, asked: Asked, kept: Kept, form: Form, draft: Draft) -> Response:
        """Keep what was made, and go on; a draft that has moved on meanwhile is left as it is."""
        try:
            kept = await keeping.keep(asked, kept, draft, form.get("once"))
        except ConflictError:
            said = f"The table {draft.table_name} is made. Choose it here: the draft has changed."
            table = asked.path(kept.address("table"))
            return self.desk.back(asked.request, table, said, "warn")
        return self._go_to(asked, "mapping", kept)

    def _go_to(self, asked: Asked, step: str, kept: Kept) -> Response:
        return RedirectResponse(asked.path(kept.address(step)), SEE_OTHER)


def _typed(form: Form) -> dict[str, Any]:
    return {"new_table": form.get("name"), "properties": tuple(form.all("property"))}


def _is_typed(draft: Draft, form: Form) -> bool:
    """Whether a form says what a draft has of it already, as that of a second click does.

    Of another base, or of another account, it says something else.
    """
    said = {**_typed(form), "base": form.get("base"), "target": form.get("target")}
    return all(getattr(draft, name) == value for name, value in said.items())


def _typed_before(draft: Draft) -> Form:
    """Return what was typed before the browser went elsewhere, to allow that tables are made."""
    if not draft.new_table:
        return Form()
    chosen = {} if draft.properties is None else {"property": draft.properties}
    return Form({"name": draft.new_table}, chosen)


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
