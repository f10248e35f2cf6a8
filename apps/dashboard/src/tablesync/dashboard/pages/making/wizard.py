"""The wizard for a new sync: five steps, each a page of its own that can be left and come back to.

A form is taken into the draft, and the browser is sent on to the page of the next step: whatever
is reloaded or gone back to asks for nothing twice. Only the last step makes anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.operators import Operator
from tablesync.dashboard.pages.making.steps.base import LOOK, MAKE, Step
from tablesync.dashboard.pages.making.steps.mapping import MappingStep
from tablesync.dashboard.pages.making.steps.schedule import ScheduleStep
from tablesync.dashboard.pages.making.steps.source import SourceStep
from tablesync.dashboard.pages.making.steps.table import TableStep
from tablesync.dashboard.pages.making.steps.trial import TrialStep, make
from tablesync.dashboard.web.answers import SEE_OTHER
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.forms import Form

STEPS: Sequence[Step] = (SourceStep(), TableStep(), MappingStep(), ScheduleStep(), TrialStep())
UNPROCESSABLE = 422


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/syncs/new", include_in_schema=False)
    wizard = Wizard(desk)

    @router.get("")
    async def show(asked: Operator, step: str = "", draft: str = "") -> Response:
        begun = Draft.read(desk.signing, draft)
        return await wizard.page(asked, _reached(step, begun), begun, Form())

    @router.post("")
    async def go_on(asked: Operator, step: str = "", draft: str = "") -> Response:
        begun = Draft.read(desk.signing, draft)
        here, form = _reached(step, begun), await desk.form(asked.request)
        if here is STEPS[-1]:
            return await wizard.finish(asked, begun, form)
        return await wizard.take(asked, here, begun, form)

    return router


@dataclass(frozen=True)
class Wizard:
    """Shows steps, and leads from one to the next."""

    desk: Desk

    async def page(
        self, asked: Asked, step: Step, draft: Draft, form: Form, status: int = 200
    ) -> Response:
        """Show a step of a draft."""
        shown = {"form": form, **await step.show(asked, draft, form)}
        return self.desk.page(
            asked,
            step.template,
            status=status,
            step=step,
            steps=STEPS,
            draft=draft,
            paths={each.name: asked.path(link(self.desk, each.name, draft)) for each in STEPS},
            before=STEPS[max(0, STEPS.index(step) - 1)],
            **shown,
        )

    async def take(self, asked: Asked, here: Step, draft: Draft, form: Form) -> Response:
        """Take a form into a draft, and send the browser on to where it leads."""
        taken = await here.take(asked, draft, form)
        if not taken.is_well:
            return await self.page(asked, here, taken.draft, taken.form, UNPROCESSABLE)
        if form.get(MAKE):
            path = f"/syncs/new/table?draft={quote(taken.draft.signed(self.desk.signing))}"
            return RedirectResponse(asked.path(path), SEE_OTHER)
        next_ = here if form.get(LOOK) else STEPS[STEPS.index(here) + 1]
        path = link(self.desk, next_.name, taken.draft)
        return RedirectResponse(asked.path(path), SEE_OTHER)

    async def finish(self, asked: Asked, draft: Draft, form: Form) -> Response:
        """Make the sync, and show its page."""
        made = await make(asked, draft, form)
        if isinstance(made, Form):
            return await self.page(asked, STEPS[-1], draft, made, UNPROCESSABLE)
        first = asked.clock.near(made.next_slot_at) if made.next_slot_at else "once it is resumed"
        said = f"{made.name} is made. Its first run is due {first}."
        return self.desk.back(asked.request, asked.path(f"/syncs/{made.id}"), said)


def link(desk: Desk, step: str, draft: Draft) -> str:
    """Return the address of a step of a draft, inside its workspace."""
    return f"/syncs/new?step={step}&draft={quote(draft.signed(desk.signing))}"


def _reached(wanted: str, draft: Draft) -> Step:
    """Return the step that is wanted, or the first before it that is not done."""
    names = [each.name for each in STEPS]
    position = names.index(wanted) if wanted in names else 0
    for each in STEPS[:position]:
        if not each.is_done(draft):
            return each
    return STEPS[position]
