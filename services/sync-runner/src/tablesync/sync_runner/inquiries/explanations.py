"""Explanations: one record at both ends as it is now, and what runs have made of it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import orjson
from tablesync.contracts.public_api.catalog import (
    ExplainedCell,
    ExplainedRecord,
    Explanation,
)
from tablesync.service_kit.mongo import Database
from tablesync.sync_runner.airtable.cells import Cell, is_blank, read_cell
from tablesync.sync_runner.airtable.client import Row
from tablesync.sync_runner.airtable.lookup import Lookup
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.inquiries.inquiry import Inquiries, Inquiry
from tablesync.sync_runner.inquiries.known_records import KnownRecord, KnownSync
from tablesync.sync_runner.inquiries.records import ReadRecord, read_record, rejection_view, told
from tablesync.sync_runner.inquiries.verdicts import Findings, verdict
from tablesync.sync_runner.pipeline.columns import Column
from tablesync.sync_runner.pipeline.plan import Plan, digest
from tablesync.sync_runner.sources.base import UNTOLD, SourceRecord, usable_id


@dataclass(frozen=True)
class _BothEnds:
    """A record as it is now: at its source, if it is there, and in the table."""

    source_id: str | None
    read: ReadRecord | None
    row: Row | None
    fate: str | None = None


class Explanations:
    """Explains records of a workspace's syncs; nothing is written or kept."""

    def __init__(self, inquiries: Inquiries, database: Database) -> None:
        self._inquiries = inquiries
        self._database = database

    async def make(self, workspace_id: str, asked: ExplainedRecord) -> Explanation:
        """Look a record up everywhere; raises Problem."""
        sync = await KnownSync.find(self._database, workspace_id, asked.sync_id)
        async with self._inquiries.open(workspace_id, asked, sync.mapping) as inquiry:
            key = _key_cell(asked.record, inquiry.plan)
            found = await sync.source_id(asked.record, _stored_key(key, inquiry.plan))
            source_id = found or asked.record
            known = await sync.record(source_id)
            ends = await _look(inquiry, source_id, known, key)
        return _explanation(inquiry.plan, known, ends)


def _key_cell(record: str, plan: Plan) -> Cell:
    """Return what somebody names as a cell of the key's field; None if it is none."""
    with suppress(ValueError):
        return plan.key.cell(record)
    return None


def _stored_key(cell: Cell, plan: Plan) -> str | None:
    """Return a key as record states have it."""
    return None if plan.key_is_record_id or is_blank(cell) else orjson.dumps(cell).decode()


async def _look(inquiry: Inquiry, source_id: str, known: KnownRecord, key: Cell) -> _BothEnds:
    record = await _at_source(inquiry, source_id, known)
    read = read_record(record, inquiry.plan) if record else None
    key = read.cells.get(inquiry.plan.key.field.id, key) if read else key
    to = inquiry.plan.spec.destination
    lookup = Lookup(inquiry.client, to.base_id, to.table_id, inquiry.plan.key.field)
    row = await lookup.find(known.row_id, key, inquiry.plan.field_ids)
    if read is None and known.state is None:
        return _BothEnds(None, None, row)
    fate = None if read else await _fate(inquiry, source_id)
    return _BothEnds(source_id, read, row, fate)


async def _at_source(inquiry: Inquiry, source_id: str, known: KnownRecord) -> SourceRecord | None:
    """Return a record as it is at its source; None if it is not there, or cannot be asked for.

    What no run has met may be no id at all: a source that refuses it has no such record.
    """
    if inquiry.source.ids_at_once is None or usable_id(source_id) is None:
        return None
    properties = inquiry.plan.properties
    try:
        found = await inquiry.source.read_ids(inquiry.object, properties, [source_id])
    except RunFailedError:
        if known.state is not None:
            raise
        return None
    return next((each for each in found if each.id == source_id), None)


async def _fate(inquiry: Inquiry, source_id: str) -> str:
    if inquiry.source.ids_at_once is None:
        return UNTOLD
    fates = await inquiry.source.fates(inquiry.object, [source_id])
    return fates.get(source_id, UNTOLD)


def _explanation(plan: Plan, known: KnownRecord, ends: _BothEnds) -> Explanation:
    cells = tuple(_cells(plan, known, ends))
    findings = Findings(
        known=known,
        at_source=ends.read is not None,
        in_airtable=ends.row is not None,
        fate=ends.fate,
        faults=ends.read.faults if ends.read else (),
        differ=tuple(each.field for each in cells if not each.same and each.fault is None),
        unwritten=ends.read is not None and not _was_written(known, ends.read),
    )
    return Explanation(
        source_id=ends.source_id,
        at_source=findings.at_source,
        in_airtable=findings.in_airtable,
        row_id=ends.row.id if ends.row else None,
        cells=cells,
        verdict=verdict(findings),
        written_at=known.written.at if known.written else None,
        run_id=known.run_id,
        rejection=rejection_view(known.rejection) if known.rejection else None,
    )


def _was_written(known: KnownRecord, read: ReadRecord) -> bool:
    """Whether what a record is now is what was last written of it."""
    return known.state is not None and known.state.digest == digest(read.cells)


def _cells(plan: Plan, known: KnownRecord, ends: _BothEnds) -> Iterator[ExplainedCell]:
    """Show each field; all are the same where the row is what Airtable made of what was sent."""
    state = known.state
    kept = (
        state is not None
        and ends.row is not None
        and ends.read is not None
        and _was_written(known, ends.read)
        and state.held == plan.digest_of_row(ends.row.fields)
    )
    for column in plan.columns:
        cell = _cell(column, ends)
        yield cell.model_copy(update={"same": True}) if kept else cell


def _cell(column: Column, ends: _BothEnds) -> ExplainedCell:
    field, read = column.field, ends.read
    found = read_cell(ends.row.fields.get(field.id)) if ends.row else None
    wanted = read.cells.get(field.id) if read else None
    faults = {each.field_id: each for each in read.faults} if read else {}
    fault = faults.get(field.id)
    return ExplainedCell(
        field_id=field.id,
        field=field.name,
        source=column.source.name,
        label=column.source.label,
        value=told(read.record.values.get(column.source.name)) if read else None,
        wanted=wanted,
        found=found,
        same=fault is None and (read is None or wanted == found),
        fault=fault,
    )
