"""The third step: which field goes where, by which rows are found again, and how that looks."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tablesync.client import AwayError, ProblemError
from tablesync.contracts.internal_api import AirtableField, SourceProperty
from tablesync.dashboard.pages.making import mapping_form
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.steps.base import LOOK, Taken, trouble
from tablesync.dashboard.pages.making.trying import Tried, try_out
from tablesync.dashboard.shown.making.rows import mapping_table
from tablesync.dashboard.shown.making.suggestions import Suggestion, suggest, suggest_key
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.forms import Form


@dataclass(frozen=True)
class BothEnds:
    """The properties of an object and the fields of a table; or why they cannot be had."""

    properties: Sequence[SourceProperty] = ()
    fields: Sequence[AirtableField] = ()
    why_not: str = ""


class MappingStep:
    """Which field goes where?"""

    name = "mapping"
    words = "Mapping"
    title = "Which field goes where?"
    template = "making/mapping.html"

    def is_done(self, draft: Draft) -> bool:
        """Whether a draft has a mapping with a key."""
        return draft.has_mapping

    async def show(self, asked: Asked, draft: Draft, form: Form) -> dict[str, Any]:
        """Show what is mapped or suggested, and ten records as they would look."""
        ends = await both_ends(asked, draft)
        suggestions = suggest(ends.properties, ends.fields, draft.provider)
        draft = with_suggestions(draft, ends, suggestions)
        tried = Tried() if ends.why_not else await try_out(asked, draft, form)
        if tried.refusal:
            form = mapping_form.refused(form, tried.refusal, draft.key, draft.others)
        table = mapping_table(
            ends.properties,
            ends.fields,
            draft.mapping or (),
            key=draft.key,
            suggestions=suggestions,
            trial=tried.trial,
            source=draft.provider,
            errors=form.errors,
        )
        return {
            "table": table,
            "why_not": ends.why_not,
            "preview": tried.shown(ends.fields, draft, asked.clock),
            "form": form,
        }

    async def take(self, asked: Asked, draft: Draft, form: Form) -> Taken:
        """Take the mapping; with LOOK, whatever it is worth."""
        ends = await both_ends(asked, draft)
        if ends.why_not:
            return Taken(draft, form.with_error("", ends.why_not))
        mapping = mapping_form.read_mapping(form, ends.properties, ends.fields)
        key = form.get("key")
        taken = draft.but(mapping=tuple(mapping), key=key)
        form = mapping_form.with_faults(form, mapping, ends.fields)
        if not form.get(LOOK):
            form = mapping_form.with_key_fault(form, mapping, key, ends.fields)
        return Taken(taken, form)


async def both_ends(asked: Asked, draft: Draft) -> BothEnds:
    """Ask what both ends of a draft have."""
    catalog = asked.visitor.tablesync.catalog
    try:
        properties, tables = await asyncio.gather(
            catalog.properties(draft.connection, draft.object),
            catalog.tables(draft.target, draft.base),
        )
    except (AwayError, ProblemError) as error:
        return BothEnds(why_not=trouble(error))
    table = next((each for each in tables.items if each.id == draft.table), None)
    if table is None:
        return BothEnds(why_not="The table is not there any more. Choose another one.")
    return BothEnds(properties.items, table.fields)


def with_suggestions(draft: Draft, ends: BothEnds, found: Mapping[str, Suggestion]) -> Draft:
    """Return a draft with what is suggested, if it has no mapping yet."""
    if draft.mapping is not None:
        return draft
    key = suggest_key(ends.properties, ends.fields, found)
    return draft.but(mapping=mapping_form.of_suggestions(ends.properties, found), key=key)
