"""The wizard for a new sync: five steps, each a page of its own that can be left and come back to.

A form is taken into the draft, which scheduler keeps, and the browser is sent on to the page of the
next step: whatever is reloaded or gone back to asks for nothing twice. Only the last step makes
anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from tablesync.client import ConflictError, InvalidError, NotFoundError
from tablesync.dashboard.pages.making import kept as keeping
from tablesync.dashboard.pages.making import mapping_form
from tablesync.dashboard.pages.making.kept import MOVED_ON, NEW, DraftGoneError, Kept
from tablesync.dashboard.pages.making.operators import Operator
from tablesync.dashboard.pages.making.steps.base import LOOK, MAKE, Step, Taken
from tablesync.dashboard.pages.making.steps.mapping import MappingStep
from tablesync.dashboard.pages.making.steps.schedule import ScheduleStep
from tablesync.dashboard.pages.making.steps.source import SourceStep
from tablesync.dashboard.pages.making.steps.table import TableStep
from tablesync.dashboard.pages.making.steps.trial import TrialStep
from tablesync.dashboard.web.answers import SEE_OTHER
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.silences import or_gone

STEPS: Sequence[Step] = (SourceStep(), TableStep(), MappingStep(), ScheduleStep(), TrialStep())
UNPROCESSABLE, CONFLICT = 422, 409


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix=f"/w/{{workspace_id}}{NEW}", include_in_schema=False)
    wizard = Wizard(desk)

    @router.get("")
    async def show(asked: Operator, step: str = "", draft: str = "") -> Response:
        kept = await keeping.read(asked, draft)
        return await wizard.page(asked, _reached(step, kept), kept, Form())

    @router.post("")
    async def go_on(asked: Operator, step: str = "", draft: str = "") -> Response:
        form = await desk.form(asked.request)
        kept = await keeping.read(asked, draft)
        here = _reached(step, kept)
        if here is STEPS[-1]:
            return await wizard.finish(asked, kept, form)
        return await wizard.take(asked, here, kept, form)

    @router.post("/discard")
    async def discard(asked: Operator) -> Response:
        """Forget a draft; one that is gone already is as it was wanted.

        Of one that was finished in another tab the sync is shown.
        """
        form = await desk.form(asked.request)
        drafts, id_ = asked.visitor.tablesync.drafts, form.get("draft")
        if keeping.is_draft(id_):
            try:
                await or_gone(drafts.discard(id_, idempotency_key=form.get("once")))
            except ConflictError:
                await keeping.read(asked, id_)
                raise
        return desk.back(asked.request, asked.path("/syncs"), "The draft is discarded.")

    return router


@dataclass(frozen=True)
class Wizard:
    """Shows steps, and leads from one to the next."""

    desk: Desk

    async def page(
        self,
        asked: Asked,
        step: Step,
        kept: Kept,
        form: Form,
        status: int = 200,
        *,
        moved_on: bool = False,
    ) -> Response:
        """Show a step of a draft."""
        draft = kept.draft
        shown = {"form": form, **await step.show(asked, draft, form)}
        return self.desk.page(
            asked,
            step.template,
            status=status,
            step=step,
            steps=STEPS,
            kept=kept,
            draft=draft,
            begun=() if kept.id else await keeping.begun(asked),
            moved_on=moved_on,
            paths={each.name: asked.path(kept.address(each.name)) for each in STEPS},
            before=STEPS[max(0, STEPS.index(step) - 1)],
            **shown,
        )

    async def take(self, asked: Asked, here: Step, kept: Kept, form: Form) -> Response:
        """Take a form into a draft, and send the browser on to where it leads."""
        taken = await here.take(asked, kept.draft, form)
        if kept.has_moved_on(form) and taken.draft != kept.draft:
            return await self._tell(asked, here, kept.with_draft(taken.draft), form)
        try:
            kept = await self._keep(asked, kept, taken)
        except ConflictError as error:
            return await self._conflict(asked, here, kept.with_draft(taken.draft), form, error)
        if not taken.is_well:
            return await self.page(asked, here, kept, taken.form, UNPROCESSABLE)
        if form.get(MAKE):
            return RedirectResponse(asked.path(kept.table_address), SEE_OTHER)
        next_ = here if form.get(LOOK) else STEPS[STEPS.index(here) + 1]
        return RedirectResponse(asked.path(kept.address(next_.name)), SEE_OTHER)

    async def finish(self, asked: Asked, kept: Kept, form: Form) -> Response:
        """Make the sync, and show its page."""
        here = STEPS[-1]
        if kept.has_moved_on(form):
            return await self._tell(asked, here, kept, form)
        syncs, wanted = asked.visitor.tablesync.syncs, kept.draft.new_sync(kept.made_of)
        try:
            made = await syncs.create(wanted, idempotency_key=form.get("once"))
        except InvalidError as error:
            draft = kept.draft
            refused = mapping_form.refused(form, error, draft.key, draft.others)
            return await self.page(asked, here, kept, refused, UNPROCESSABLE)
        except NotFoundError as error:
            raise DraftGoneError(asked) from error
        except ConflictError as error:
            return await self._conflict(asked, here, kept, form, error)
        first = asked.clock.near(made.next_slot_at) if made.next_slot_at else "once it is resumed"
        said = f"{made.name} is made. Its first run is due {first}."
        return self.desk.back(asked.request, asked.path(f"/syncs/{made.id}"), said)

    async def _keep(self, asked: Asked, kept: Kept, taken: Taken) -> Kept:
        """Keep what was taken, with its faults; of a draft that is nothing yet, only if well."""
        if kept.id or taken.is_well:
            return await keeping.keep(asked, kept, taken.draft, taken.form.get("once"))
        return kept.with_draft(taken.draft)

    async def _conflict(
        self, asked: Asked, here: Step, kept: Kept, form: Form, error: ConflictError
    ) -> Response:
        """Tell why nothing was kept or made; over what the draft is by now, if that is why."""
        if not keeping.is_meanwhile(error):
            refused = form.with_error("", error.problem.detail)
            return await self.page(asked, here, kept, refused, CONFLICT)
        now = await keeping.read(asked, kept.id)
        taken = await here.take(asked, now.draft, form)
        return await self._tell(asked, here, now.with_draft(taken.draft), form)

    async def _tell(self, asked: Asked, here: Step, kept: Kept, form: Form) -> Response:
        """Tell that a draft has moved on; the form is then made from what it is now."""
        told = form.with_error("", MOVED_ON)
        return await self.page(asked, here, kept, told, CONFLICT, moved_on=True)


def _reached(wanted: str, kept: Kept) -> Step:
    """Return the step that is wanted, or the first before it that is not done.

    Of a draft that is only named, the first that is not done is wanted.
    """
    names = [each.name for each in STEPS]
    otherwise = len(STEPS) - 1 if kept.id and not wanted else 0
    position = names.index(wanted) if wanted in names else otherwise
    undone = (each for each in STEPS[:position] if not each.is_done(kept.draft))
    return next(undone, STEPS[position])
