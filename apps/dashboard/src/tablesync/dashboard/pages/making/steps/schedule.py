"""The fourth step: what the sync is called, how often it runs, and when that would be."""

from typing import Any

from tablesync.dashboard.pages.making import schedule_form
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.steps.base import LOOK, Taken
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.forms import Form

USUAL_MINUTES = 15


class ScheduleStep:
    """How often?"""

    name = "schedule"
    words = "Schedule"
    title = "How often does it run?"
    template = "making/schedule.html"

    def is_done(self, draft: Draft) -> bool:
        """Whether a draft has a name and an interval."""
        return draft.has_schedule

    async def show(self, asked: Asked, draft: Draft, form: Form) -> dict[str, Any]:
        """Show name and schedule, with its next slots."""
        every = draft.every or USUAL_MINUTES
        next_ = schedule_form.NextSlots()
        if "every" not in form.errors:
            next_ = await schedule_form.next_slots(asked, draft.but(every=every).schedule)
        if next_.why_not:
            form = form.with_error("every", next_.why_not)
        return {
            "given": {
                "name": draft.name or _usual_name(draft),
                "every": str(every),
                "unit": draft.unit,
                "overlap": draft.overlap,
            },
            "units": schedule_form.units(draft.unit),
            "overlaps": schedule_form.OVERLAPS,
            "next_slots": next_.slots,
            "form": form,
        }

    async def take(self, asked: Asked, draft: Draft, form: Form) -> Taken:
        """Take name, interval and overlap."""
        taken = draft.but(
            name=form.get("name").strip(),
            every=schedule_form.read_every(form),
            unit=schedule_form.read_unit(form),
            overlap=schedule_form.read_overlap(form),
        )
        form = schedule_form.with_faults(form)
        if form.errors or form.get(LOOK):
            return Taken(taken, form)
        next_ = await schedule_form.next_slots(asked, taken.schedule)
        return Taken(taken, form.with_error("every", next_.why_not) if next_.why_not else form)


def _usual_name(draft: Draft) -> str:
    return f"{draft.provider} {draft.object_name}"[: schedule_form.LONGEST_NAME]
