"""The last part of a check of everything: records that were not seen at their source.

They are asked for by id. What is there after all is written like any other; of the rest the source
says, where it can, what became of it: deleted, merged or purged.
"""

from collections.abc import AsyncIterator, Sequence

from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.plan import Plan
from tablesync.sync_runner.sources.base import GONE, UNTOLD, Page, Source, SourceRecord

IDS_AT_ONCE = 100


async def unseen(journal: Journal, source: Source, plan: Plan) -> AsyncIterator[Page]:
    """Read, page by page, what the check has not seen; the pages stand where its pass has ended."""
    assert journal.checkpoint is not None, "a pass was read"
    assert journal.checkpoint.current is not None, "it ends with the run"
    await journal.end_reading()
    position, after = journal.checkpoint.current.position, ""
    by_id = source.ids_at_once is not None
    while ids := await journal.unseen(after, source.ids_at_once or IDS_AT_ONCE, by_id=by_id):
        after = ids[-1]
        yield Page(await _look_for(ids, source, plan), position)


async def _look_for(ids: Sequence[str], source: Source, plan: Plan) -> list[SourceRecord]:
    object_ = plan.spec.source.object
    if source.ids_at_once is None:
        return [_gone(each, UNTOLD) for each in ids]
    there = await source.read_ids(object_, plan.properties, ids)
    left = sorted(set(ids) - {each.id for each in there})
    fates = await source.fates(object_, left) if left else {}
    return [*there, *(_gone(each, fates.get(each, UNTOLD)) for each in left)]


def _gone(source_id: str, fate: str) -> SourceRecord:
    return SourceRecord(source_id, {"id": source_id, GONE: True}, gone=True, fate=fate)
