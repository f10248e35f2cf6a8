"""What a version before may have rounded: numbers that are longer than a double keeps.

Such a record is rejected now, with the remedy. It is found by what its row holds, with one request,
where nothing else would read it; a long fraction is left to the next check of everything.
"""

from collections.abc import AsyncIterator, Iterable, Sequence

import structlog
from tablesync.sync_runner.airtable.cells import EXACT_BELOW
from tablesync.sync_runner.airtable.client import AirtableClient, Row
from tablesync.sync_runner.airtable.errors import ListingGoneError, RefusedError
from tablesync.sync_runner.airtable.schema import Field
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.plan import Plan
from tablesync.sync_runner.sources.base import Page, Source

log = structlog.get_logger()


async def long_numbers(
    journal: Journal, client: AirtableClient, source: Source, plan: Plan
) -> AsyncIterator[Page]:
    """Read, page by page, the records whose rows hold long numbers; the pages stand still."""
    await journal.save()
    assert journal.checkpoint is not None, "a pass was read"
    assert journal.checkpoint.current is not None, "it ends with the run"
    position, at_once = journal.checkpoint.current.position, source.ids_at_once
    if at_once is None:
        return
    async for rows in _listed(client, plan):
        known = await journal.states_of_rows([each.id for each in rows])
        ids = [each.source_id for each in known if each.gone is None]
        for start in range(0, len(ids), at_once):
            some = ids[start : start + at_once]
            records = await source.read_ids(plan.spec.source.object, plan.properties, some)
            yield Page(records, position)


async def _listed(client: AirtableClient, plan: Plan) -> AsyncIterator[Sequence[Row]]:
    to, key = plan.spec.destination, [plan.key.field.id]
    formula = _with_a_long_one(plan.numbers)
    try:
        async for page in client.rows(to.base_id, to.table_id, key, formula=formula):
            yield page.records
    except (RefusedError, ListingGoneError) as error:
        log.warning("long numbers are left to a check", table=to.table_id, error=str(error))


def _with_a_long_one(fields: Iterable[Field]) -> str:
    tests = (f"ABS({{{each.id}}}) >= {EXACT_BELOW}" for each in fields)
    return f"OR({', '.join(tests)})"
