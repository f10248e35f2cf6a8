"""Records that earlier runs rejected, read again by id: the reason may have passed.

A select option may have been added, or a key given up, without any change to the record itself.
To read them costs the source a request for many; Airtable is asked only for those of which
something has changed, or that have rested long enough.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import replace

from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.plan import Plan
from tablesync.sync_runner.sources.base import Page, Source


async def retries(journal: Journal, source: Source, plan: Plan) -> AsyncIterator[Page]:
    """Read, page by page, what earlier runs rejected and this one has not tried.

    The pages stand where the pass has ended: a worker that takes over begins with what is left.
    """
    assert journal.checkpoint is not None, "a pass was read"
    assert journal.checkpoint.current is not None, "it ends with the run"
    if source.ids_at_once is None:
        return
    position, after = journal.checkpoint.current.position, ""
    while states := await journal.rejected_before(after, source.ids_at_once):
        ids = [each.source_id for each in states]
        records = await source.read_ids(plan.spec.source.object, plan.properties, ids)
        await _give_up(journal, set(ids) - {each.id for each in records})
        yield Page(records, position)
        after = ids[-1]


async def _give_up(journal: Journal, gone: Collection[str]) -> None:
    """Try no more what is gone at the source; if it returns, it has changed.

    While it was asked for, a page before may have given its row, or its key, to another.
    """
    for state in (await journal.states(list(gone))).values():
        journal.note(replace(state, rejected=False, refusal=None))
