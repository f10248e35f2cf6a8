"""The last step: all that was chosen, ten records of it, and the sync is made."""

from typing import Any

from tablesync.dashboard.pages.making import mapping_form, schedule_form
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.steps.base import Taken
from tablesync.dashboard.pages.making.steps.mapping import both_ends
from tablesync.dashboard.pages.making.trying import try_out
from tablesync.dashboard.shown.making.rows import mapping_table
from tablesync.dashboard.shown.syncs import every
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.forms import Form


class TrialStep:
    """Does it look right?"""

    name = "trial"
    words = "Trial"
    title = "Does it look right?"
    template = "making/trial.html"

    def is_done(self, draft: Draft) -> bool:
        """Whether the sync is there: then its own page is shown."""
        return False

    async def show(self, asked: Asked, draft: Draft, form: Form) -> dict[str, Any]:
        """Show ten records as Airtable would, and what was chosen."""
        ends, tried = await both_ends(asked, draft), await try_out(asked, draft)
        if tried.refusal:
            form = mapping_form.refused(form, tried.refusal, draft.key, draft.others)
        table = mapping_table(
            ends.properties, ends.fields, draft.mapping or (), key=draft.key, trial=tried.trial
        )
        return {
            "table": table,
            "preview": tried.shown(ends.fields, draft, asked.clock),
            "why_not": ends.why_not,
            "schedule": every(draft.schedule),
            "overlap": schedule_form.OVERLAPS[draft.overlap],
            "form": form,
        }

    async def take(self, asked: Asked, draft: Draft, form: Form) -> Taken:
        """Take nothing: the sync is made as it was shown."""
        return Taken(draft, form)
