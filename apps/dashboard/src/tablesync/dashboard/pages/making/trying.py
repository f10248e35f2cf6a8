"""Trying a draft: ten records as Airtable would show them, or why that cannot be told."""

from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.client import AwayError, InvalidError, ProblemError
from tablesync.contracts.internal_api import AirtableField
from tablesync.contracts.public_api.catalog import Trial
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.steps.base import trouble
from tablesync.dashboard.shown.making.cells import ShownRecord, shown_trial
from tablesync.dashboard.shown.making.fields import NUMBERS
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.forms import Form

ONCE_MENDED = "It is shown once the faults above are mended."


@dataclass(frozen=True)
class Preview:
    """A trial as a page shows it: the key's column first, then those with faults."""

    columns: Sequence[tuple[str, bool]] = ()
    records: Sequence[ShownRecord] = ()
    rejected: int = 0
    why_not: str = ""


@dataclass(frozen=True)
class Tried:
    """What came of a trial: records, what is wrong with the draft, or why it could not be made."""

    trial: Trial | None = None
    refusal: InvalidError | None = None
    why_not: str = ""

    def shown(self, fields: Sequence[AirtableField], draft: Draft, clock: Clock) -> Preview:
        """Show it."""
        if self.trial is None:
            return Preview(why_not=self.why_not)
        by_id = {each.id: each for each in fields}
        key = [each.field_id for each in (draft.key_mapping,) if each]
        faulty = [f.field_id for each in self.trial.records for f in each.faults if f.field_id]
        others = [each.field_id for each in draft.mapping or ()]
        order = dict.fromkeys([*key, *faulty, *others])
        columns = [by_id[each] for each in order if each in by_id]
        return Preview(
            columns=[(each.name, each.type in NUMBERS) for each in columns],
            records=shown_trial(self.trial, columns, clock),
            rejected=self.trial.rejected,
        )


async def try_out(asked: Asked, draft: Draft, form: Form | None = None) -> Tried:
    """Try a draft; one without a key, or with faults beside its fields, is none to be tried yet."""
    if form and any(form.errors):
        return Tried(why_not=ONCE_MENDED)
    if draft.key_mapping is None:
        return Tried(why_not="Choose a key, and the first records are shown here.")
    try:
        return Tried(await asked.visitor.tablesync.trials.make(draft.tried()))
    except InvalidError as error:
        return Tried(refusal=error, why_not=ONCE_MENDED)
    except (AwayError, ProblemError) as error:
        return Tried(why_not=trouble(error))
