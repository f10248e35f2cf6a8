"""Editing a sync: name, mapping, schedule and overlap on one page.

Key and destination stay: whoever wants others makes another sync. What somebody else has changed
meanwhile is shown, and nothing of it is lost unnoticed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from tablesync.client import ConflictError, InvalidError
from tablesync.contracts import FieldMapping
from tablesync.contracts.public_api.schedules import Interval
from tablesync.contracts.public_api.syncs import NewMapping, SyncEdit, SyncView
from tablesync.dashboard.pages.making import mapping_form, schedule_form
from tablesync.dashboard.pages.making.draft import Draft, doubles
from tablesync.dashboard.pages.making.merging import merged
from tablesync.dashboard.pages.making.operators import Operator
from tablesync.dashboard.pages.making.steps.base import LOOK
from tablesync.dashboard.pages.making.steps.mapping import BothEnds, both_ends
from tablesync.dashboard.pages.making.trying import Tried, try_out
from tablesync.dashboard.shown.making.edits import Difference, differences, told_mapping
from tablesync.dashboard.shown.making.rows import MappingTable, mapping_table
from tablesync.dashboard.shown.syncs import ShownSync, every
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.forms import Form

EDITED_MEANWHILE = "edited-meanwhile"
UNPROCESSABLE, CONFLICT = 422, 409


@dataclass(frozen=True)
class Edited:
    """A sync as it is, as it would be, and as it was when that was begun, at this version."""

    sync: SyncView
    draft: Draft
    ends: BothEnds
    was: Draft
    version: int
    meanwhile: Sequence[Difference] = ()

    def changes(self) -> dict[str, Any]:
        """Return what is to be changed; a mapping that is as it was is not sent."""
        found: dict[str, Any] = {}
        if self.draft.name != self.sync.name:
            found["name"] = self.draft.name
        if self.draft.schedule != _draft_of(self.sync).schedule:
            found["schedule"] = self.draft.schedule
        if self.draft.overlap != self.sync.overlap:
            found["overlap"] = self.draft.overlap
        if not self.ends.why_not and self._maps_otherwise():
            found["mapping"] = self._mapping
        return found

    def edit(self) -> SyncEdit:
        """Return the changes as they are asked for."""
        return SyncEdit.model_validate({**self.changes(), "version": self.version})

    @property
    def gone(self) -> list[str]:
        """What is mapped today and cannot be any more, by name."""
        if self.ends.why_not:
            return []
        properties = {each.name for each in self.ends.properties}
        fields = {each.id for each in self.ends.fields}
        labels = {each.source: each.label or each.source for each in self.sync.writes}
        names = self.sync.names
        return [
            f"{labels.get(each.source, each.source)} → {names.get(each.field_id, each.field_id)}"
            for each in self.sync.mapping
            if not (each.source in properties and each.field_id in fields)
        ]

    def over(self, now: SyncView) -> "Edited":
        """Return the edit of a sync that somebody else has edited meanwhile."""
        is_now = _draft_of(now)
        draft = merged(self.was, self.draft, is_now)
        told = [_told(each, self.ends) for each in (self.was, is_now, draft)]
        return Edited(now, draft, self.ends, is_now, now.version, differences(*told))

    def _maps_otherwise(self) -> bool:
        known = self.sync.mapping
        return _in_order([each.beside(known) for each in self._mapping]) != _in_order(known)

    @property
    def _mapping(self) -> list[NewMapping]:
        """What it writes beside the key: of what no form can show, nothing is changed."""
        return [*self.draft.others, *doubles(self.sync)]


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/syncs/{sync_id}/edit", include_in_schema=False)
    pages = EditPages(desk)

    @router.get("")
    async def show(asked: Operator, sync_id: str) -> Response:
        sync = await asked.visitor.tablesync.syncs.get(sync_id)
        draft = _draft_of(sync)
        edited = Edited(sync, draft, await both_ends(asked, draft), draft, sync.version)
        return await pages.show(asked, edited, Form())

    @router.post("")
    async def save(asked: Operator, sync_id: str) -> Response:
        form = await desk.form(asked.request)
        sync = await asked.visitor.tablesync.syncs.get(sync_id)
        was = Draft.read(desk.signing, form.get("was"))
        edited, form = await _read(asked, sync, was, form)
        if form.errors:
            return await pages.show(asked, edited, form, UNPROCESSABLE)
        if form.get(LOOK):
            return await pages.show(asked, edited, form)
        return await pages.save(asked, edited, form)

    return router


@dataclass(frozen=True)
class EditPages:
    """Shows an edit, and saves it."""

    desk: Desk

    async def show(self, asked: Asked, edited: Edited, form: Form, status: int = 200) -> Response:
        """Show a sync as it would be, with ten records of it."""
        draft, ends = edited.draft, edited.ends
        tried = Tried() if ends.why_not else await try_out(asked, draft, form)
        next_ = await schedule_form.next_slots(asked, draft.schedule, edited.sync.id)
        return self.desk.page(
            asked,
            "making/edit.html",
            status=status,
            shown=ShownSync(edited.sync, asked.clock),
            edited=edited,
            form=form,
            table=_table(edited, form, tried),
            preview=tried.shown(ends.fields, draft, asked.clock),
            was=edited.was.signed(self.desk.signing),
            given={"every": str(draft.every), "unit": draft.unit, "overlap": draft.overlap},
            units=schedule_form.units(draft.unit),
            overlaps=schedule_form.OVERLAPS,
            next_slots=next_.slots,
        )

    async def save(self, asked: Asked, edited: Edited, form: Form) -> Response:
        """Save an edit, unless somebody has edited the sync meanwhile."""
        path = asked.path(f"/syncs/{edited.sync.id}")
        if not edited.changes():
            return self.desk.back(asked.request, path, "Nothing was changed.")
        try:
            saved = await asked.visitor.tablesync.syncs.edit(
                edited.sync.id, edited.edit(), idempotency_key=form.get("once")
            )
        except InvalidError as error:
            refused = mapping_form.refused(form, error, edited.draft.key, edited.draft.others)
            return await self.show(asked, edited, refused, UNPROCESSABLE)
        except ConflictError as error:
            return await self.show(asked, *_meanwhile(edited, form, error), CONFLICT)
        said = f"{saved.name} is changed. The next run does it so."
        return self.desk.back(asked.request, path, said)


def _table(edited: Edited, form: Form, tried: Tried) -> MappingTable:
    return mapping_table(
        edited.ends.properties,
        edited.ends.fields,
        edited.draft.mapping or (),
        key=edited.draft.key,
        trial=tried.trial,
        source=edited.draft.provider,
        errors=form.errors,
    )


def _version(form: Form, otherwise: int) -> int:
    """Return the version that a form was made from."""
    sent = form.get("version")
    return int(sent) if sent.isascii() and sent.isdecimal() else otherwise


def _draft_of(sync: SyncView) -> Draft:
    draft = Draft.of(sync).model_copy(update={"overlap": sync.overlap})
    # A schedule that this version does not know stays as it is, unless somebody types another.
    if not isinstance(sync.schedule, Interval):
        return draft
    count, unit = schedule_form.split(sync.schedule.every_seconds)
    return draft.model_copy(update={"every": count, "unit": unit})


async def _read(asked: Asked, sync: SyncView, was: Draft, form: Form) -> tuple[Edited, Form]:
    """Read what was typed; the mapping stays as it is where both ends cannot be asked."""
    is_now = _draft_of(sync)
    ends = await both_ends(asked, is_now)
    mapping: Sequence[NewMapping] = is_now.mapping or ()
    if not ends.why_not:
        others = mapping_form.read_mapping(form, ends.properties, ends.fields)
        mapping = [*(each for each in (is_now.key_mapping,) if each), *others]
        form = mapping_form.with_faults(form, mapping, ends.fields)
    typed = {
        "name": form.get("name").strip(),
        "every": schedule_form.read_every(form),
        "unit": schedule_form.read_unit(form),
        "overlap": schedule_form.read_overlap(form),
        "mapping": tuple(mapping),
    }
    draft = is_now.model_copy(update=typed)
    edited = Edited(sync, draft, ends, was, _version(form, sync.version))
    return edited, schedule_form.with_faults(form)


def _meanwhile(edited: Edited, form: Form, error: ConflictError) -> tuple[Edited, Form]:
    """Return the edit over what the sync is by now; any other conflict is only told."""
    if EDITED_MEANWHILE not in error.problem.type:
        return edited, form.with_error("", error.problem.detail)
    over = edited.over(SyncView.model_validate(error.problem.more["sync"]))
    said = "Somebody has edited this sync meanwhile. Nothing of yours was saved yet."
    kept = {
        "name": over.draft.name,
        "every": str(over.draft.every),
        "unit": over.draft.unit,
        "overlap": over.draft.overlap,
    }
    return over, Form(kept).with_error("", said)


def _told(draft: Draft, ends: BothEnds) -> dict[str, str]:
    """Tell what a sync is, by what each thing is called."""
    return {
        "Name": draft.name,
        "Runs": every(draft.schedule).lower(),
        "While it still runs": schedule_form.OVERLAPS[draft.overlap],
        **told_mapping(draft.mapping or (), ends.properties, ends.fields),
    }


def _in_order(mapping: Sequence[FieldMapping]) -> list[tuple[str, str, str]]:
    return sorted((each.source, each.field_id, each.as_ or "") for each in mapping)
