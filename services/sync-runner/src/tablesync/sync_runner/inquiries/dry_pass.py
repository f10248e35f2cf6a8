"""One pass of the run's own pipeline with nothing behind it: no row and no state is written."""

from collections.abc import Mapping, Sequence
from typing import Any

from tablesync.contracts.public_api.catalog import ChangedCell, ChangeKind, WouldChange
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.sync_runner.airtable.cells import read_cell
from tablesync.sync_runner.airtable.client import Row
from tablesync.sync_runner.airtable.lookup import Lookup
from tablesync.sync_runner.airtable.writer import Outcomes, RowWrite
from tablesync.sync_runner.inquiries.dry_runs import Effect
from tablesync.sync_runner.inquiries.inquiry import Inquiry
from tablesync.sync_runner.pipeline.checkpoints import Checkpoint, Pass
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.keys import Keys
from tablesync.sync_runner.pipeline.mapper import Mapper
from tablesync.sync_runner.pipeline.pipeline import Batch, Pipeline
from tablesync.sync_runner.pipeline.plan import Plan
from tablesync.sync_runner.pipeline.rejections import Rejection
from tablesync.sync_runner.runs import Ending, Run
from tablesync.sync_runner.signals import Signals
from tablesync.sync_runner.sources.base import Position
from tablesync.sync_runner.stall import StallTimer

SHOWN = 50
LONGEST_TEXT, LONGEST_LIST = 500, 50


class Changes:
    """What would be changed: all counted, and the first ones shown."""

    def __init__(self) -> None:
        self.shown: list[WouldChange] = []
        self.created = self.updated = 0

    @property
    def has_room(self) -> bool:
        """Whether more of them are shown."""
        return len(self.shown) < SHOWN

    def add(self, change: WouldChange) -> None:
        """Count a change, and show it if it is one of the first."""
        self.created += change.kind is ChangeKind.CREATE
        self.updated += change.kind is ChangeKind.UPDATE
        if self.has_room:
            self.shown.append(change)


class DryJournal(Journal):
    """A journal that forgets instead of saving."""

    def __init__(self, units: UnitsOfWork, run: Run, changes: Changes) -> None:
        super().__init__(units, run, Lease(run.id, "", 0, 0.0, 0.0))
        self._changes = changes

    def reject(self, rejection: Rejection) -> None:
        """Take in that a record could not be written."""
        kind = ChangeKind.REJECT
        self._changes.add(
            WouldChange(source_id=rejection.source_id, kind=kind, reason=rejection.reason)
        )

    async def save(self, ending: Ending | None = None, *, finished: bool = False) -> None:
        """Forget what has been counted; keys that records would have are known to the end."""
        self._advance()
        self._pending = {id_: each for id_, each in self._pending.items() if each.key}
        self._rejected, self._adopted = {}, {}


class DryWriter:
    """Takes rows as Airtable would, and writes none.

    Which keys the table has is read once, before the first row of which that has to be known.
    """

    def __init__(self, inquiry: Inquiry, changes: Changes) -> None:
        to, plan = inquiry.plan.spec.destination, inquiry.plan
        self._plan = plan
        self._changes = changes
        self._lookup = Lookup(inquiry.client, to.base_id, to.table_id, plan.key.field)
        self._rows_by_key: Mapping[str, str] | None = None

    def check(self) -> None:
        """Find nothing that kept new rows out: none was sent."""

    async def write(self, rows: Sequence[RowWrite], outcomes: Outcomes) -> None:
        """Count up to ten records as written; to give a key up is no change by itself."""
        if isinstance(outcomes, Batch):
            ids = [each.row_id or await self._row_of(each) for each in rows]
            before = await self._before(ids)
            for row, id_ in zip(rows, ids, strict=True):
                self._changes.add(self._change(row, id_, before.get(id_ or "")))
        for row in rows:
            outcomes.written(row.source_id, Row(row.row_id or "", dict(row.cells), new=True))

    async def _row_of(self, row: RowWrite) -> str | None:
        if self._rows_by_key is None:
            self._rows_by_key = await self._lookup.all_row_ids()
        return self._rows_by_key.get(self._lookup.plain(row.cells.get(self._plan.key.field.id)))

    async def _before(self, ids: Sequence[str | None]) -> Mapping[str, Row]:
        """Return the rows as they are, as long as they are shown."""
        there = [each for each in ids if each]
        if not there or not self._changes.has_room:
            return {}
        return await self._lookup.by_ids(there, self._plan.field_ids)

    def _change(self, row: RowWrite, row_id: str | None, before: Row | None) -> WouldChange:
        kind = ChangeKind.UPDATE if row_id else ChangeKind.CREATE
        if not self._changes.has_room:
            return WouldChange(source_id=row.source_id, kind=kind)
        told = before.fields if before else {}
        fields = {each.field.id: each.field.name for each in self._plan.columns}
        cells = (
            ChangedCell(field_id=id_, field=fields[id_], before=_short(old), after=_short(cell))
            for id_, cell in row.sent.items()
            if (old := read_cell(told.get(id_))) != cell
        )
        return WouldChange(source_id=row.source_id, kind=kind, cells=tuple(cells))


class DryPass:
    """Reads everything once, as a first run does, and counts what it comes to."""

    def __init__(
        self,
        inquiry: Inquiry,
        units: UnitsOfWork,
        run: Run,
        known: Checkpoint | None,
        page_bytes: int,
    ) -> None:
        self.signals = Signals()
        self.stall_timer = StallTimer()
        self._inquiry = inquiry
        self._changes = Changes()
        self._journal = DryJournal(units, run, self._changes)
        self._known = known
        self._page_bytes = page_bytes
        self._pipeline: Pipeline | None = None

    async def run(self) -> None:
        """Read to the end; raises what ended it before."""
        inquiry, plan = self._inquiry, self._inquiry.plan
        position = inquiry.source.first_position(None, inquiry.opening.began_ms)
        self._journal.go_on_with(_reading(self._journal.run, plan, position))
        known = self._known
        mapper = Mapper(
            plan,
            self._journal,
            trusted=known is None or known.trusted,
            before=plan.columns_before(known.converted_from if known else None),
        )
        self._pipeline = Pipeline(
            mapper,
            Keys(plan, self._journal, mapper, inquiry.source),
            self._journal,
            DryWriter(inquiry, self._changes),
            self.signals,
            self.stall_timer,
            writes_in_flight=1,
            page_bytes=self._page_bytes,
            sending=set(),
        )
        pages = inquiry.source.read(inquiry.object, plan.properties, position)
        try:
            await self.signals.during(self._pipeline.run(pages))
        finally:
            await self._pipeline.let_requests_arrive(0)

    async def effect(self) -> Effect:
        """Return what has been counted so far, and forget what it was counted from."""
        await self._journal.save()
        changes = self._changes
        return Effect(
            counts=self._journal.counts,
            created=changes.created,
            updated=changes.updated,
            total=self._pipeline.total if self._pipeline else None,
            changes=tuple(changes.shown),
        )


def _reading(run: Run, plan: Plan, position: Position) -> Checkpoint:
    return Checkpoint(run.sync_id, plan.fingerprint, "", current=Pass(position, 0, run.id))


def _short(cell: Any) -> Any:
    """Return a cell as it is shown: fifty changes have to fit into one document."""
    if isinstance(cell, str) and len(cell) > LONGEST_TEXT:
        return f"{cell[:LONGEST_TEXT]}…"
    if isinstance(cell, list):
        return [_short(each) for each in cell[:LONGEST_LIST]]
    if isinstance(cell, dict):
        return {name: _short(each) for name, each in list(cell.items())[:LONGEST_LIST]}
    return cell
