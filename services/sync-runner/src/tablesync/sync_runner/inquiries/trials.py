"""Trials: the first records of a source as Airtable would show them, before a sync is saved."""

from itertools import islice

from tablesync.contracts.public_api.catalog import Trial, TriedRecord, TriedSync
from tablesync.sync_runner.inquiries.inquiry import Inquiries, Inquiry
from tablesync.sync_runner.inquiries.records import ReadRecord, read_record
from tablesync.sync_runner.sources.base import SourceRecord

RECORDS = 10


class Trials:
    """Tries syncs; one page of records is read, and nothing is written or kept."""

    def __init__(self, inquiries: Inquiries) -> None:
        self._inquiries = inquiries

    async def make(self, workspace_id: str, tried: TriedSync) -> Trial:
        """Read the first ten records of a source; raises Problem."""
        async with self._inquiries.open(workspace_id, tried) as inquiry:
            found = await _first_records(inquiry)
        records = tuple(_shown(read_record(each, inquiry.plan)) for each in found)
        return Trial(records=records, rejected=sum(bool(each.faults) for each in records))


async def _first_records(inquiry: Inquiry) -> list[SourceRecord]:
    """Return the first records of the first page, as a first run would read it."""
    position = inquiry.source.first_position(None, inquiry.opening.began_ms)
    pages = inquiry.source.read(inquiry.object, inquiry.plan.properties, position)
    page = await anext(pages, None)
    return list(islice(page.by_id.values(), RECORDS)) if page else []


def _shown(read: ReadRecord) -> TriedRecord:
    return TriedRecord(source_id=read.record.id, cells=dict(read.cells), faults=read.faults)
