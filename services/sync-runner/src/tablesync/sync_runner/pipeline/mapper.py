"""Turns a page of records into the rows that have to be written, and rejects what cannot be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import orjson
import structlog
from tablesync.sync_runner.airtable.cells import Cell, CoercionError, is_blank
from tablesync.sync_runner.pipeline.columns import cells_of
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.plan import Plan, digest
from tablesync.sync_runner.pipeline.record_states import RecordState
from tablesync.sync_runner.pipeline.rejections import Rejection
from tablesync.sync_runner.pipeline.tally import PageTrack
from tablesync.sync_runner.sources.base import SourceRecord

log = structlog.get_logger()

OUR_FAULT = (
    "TableSync could not make a row of it: our own fault, and it was logged. Change what is odd "
    "about the record at its source, or report it to whoever runs TableSync"
)


@dataclass(frozen=True, slots=True)
class Item:
    """A record that has to be written; `key` is kept unless it is the record's id."""

    source_id: str
    cells: Mapping[str, Cell]
    digest: bytes
    key: str | None
    known: RecordState | None
    track: PageTrack

    @property
    def row_id(self) -> str | None:
        """The row it is known to be."""
        return self.known.row_id if self.known else None

    @property
    def suspect(self) -> bool:
        """Whether it was rejected before: it must not hold up nine others again."""
        return self.known is not None and self.known.rejected

    def state(self, *, digest: bytes | None, row_id: str | None) -> RecordState:
        """Return what is known of it now."""
        return RecordState(self.source_id, digest, row_id, self.key)

    def rejected(self) -> RecordState:
        """Return what is known of it once it is rejected: its row, if any, is as it was."""
        key = self.known.key if self.known else None
        return RecordState(self.source_id, None, self.row_id, key, rejected=True)


class Mapper:
    """Maps the pages of one run."""

    def __init__(self, plan: Plan, journal: Journal, *, trusted: bool) -> None:
        self._plan = plan
        self._journal = journal
        self._trusted = trusted
        self._told: set[str] = set()

    async def items(
        self,
        records: Mapping[str, SourceRecord],
        track: PageTrack,
        under_way: Mapping[str, str],
    ) -> list[Item]:
        """Return the records of a page that changed; `under_way` is the keys now being written.

        Counts the unchanged ones, and rejects those without a key or with another's key.
        """
        known = await self._journal.states(list(records))
        mapped = [self._item(each, known.get(each.id), track) for each in records.values()]
        changed = [each for each in mapped if each is not None]
        if self._plan.key_is_record_id:
            return changed
        return await self._with_own_key(changed, under_way)

    def reject(self, item: Item, reason: str, field: str | None) -> None:
        """Count and keep a record that cannot be written."""
        item.track.tally.rejected += 1
        self._journal.reject(Rejection(item.source_id, reason, field))
        self._journal.note(item.rejected())

    def _item(
        self, record: SourceRecord, known: RecordState | None, track: PageTrack
    ) -> Item | None:
        """Return what has to be written of a record, if anything: nothing of it ends the run."""
        if record.gone and (known is None or known.row_id is None):
            track.tally.unchanged += 1
            return None
        if record.fault is not None:
            self._reject_unread(record, known, track, record.fault)
            return None
        try:
            return self._mapped(record, known, track)
        except CoercionError as error:
            self._reject_unread(record, known, track, str(error), error.field)
        except Exception as error:
            self._tell_our_fault(error)
            self._reject_unread(record, known, track, OUR_FAULT)
        return None

    def _mapped(
        self, record: SourceRecord, known: RecordState | None, track: PageTrack
    ) -> Item | None:
        cells = cells_of(record.values, self._plan.columns)
        item = Item(record.id, cells, digest(cells), self._key(cells), known, track)
        if is_blank(cells[self._plan.spec.key.field_id]):
            self.reject(item, f'its key "{self._plan.spec.key.source}" is empty', None)
            return None
        if self._is_unchanged(item):
            track.tally.unchanged += 1
            return None
        return item

    def _reject_unread(
        self,
        record: SourceRecord,
        known: RecordState | None,
        track: PageTrack,
        reason: str,
        field: str | None = None,
    ) -> None:
        """Reject a record without cells; one that cannot be asked for by id is not tried again."""
        if not record.nameless:
            self.reject(Item(record.id, {}, b"", None, known, track), reason, field)
            return
        track.tally.rejected += 1
        self._journal.reject(Rejection(record.id, reason, field))

    def _tell_our_fault(self, error: Exception) -> None:
        """Log a fault of ours with its traceback, once in a run for each kind."""
        kind = repr(error)[:200]
        if kind not in self._told:
            self._told.add(kind)
            log.error("record not mapped", run_id=self._journal.run.id, error=kind, exc_info=error)

    def _is_unchanged(self, item: Item) -> bool:
        known = item.known
        if not self._trusted or known is None or known.rejected or known.row_id is None:
            return False
        return known.digest == item.digest

    def _key(self, cells: Mapping[str, Cell]) -> str | None:
        if self._plan.key_is_record_id:
            return None
        return orjson.dumps(cells[self._plan.spec.key.field_id]).decode()

    async def _with_own_key(
        self, items: Iterable[Item], under_way: Mapping[str, str]
    ) -> list[Item]:
        """Reject those whose key is another's, until it is written with another key.

        A rejected owner loses its row to a record that has none, which finds it by the key.
        """
        items = sorted(items, key=lambda each: each.row_id is None)  # owners come first
        owners = await self._journal.owners([each.key for each in items if each.key])
        taken, busy = dict(under_way), set(under_way.values())
        own: list[Item] = []
        for item in items:
            key, holder = item.key or "", owners.get(item.key or "")
            if holder and (item.row_id or not holder.rejected or holder.source_id in busy):
                taken.setdefault(key, holder.source_id)
            owner = taken.setdefault(key, item.source_id)
            if owner != item.source_id:
                reason = f'record {owner} has the same "{self._plan.spec.key.source}"'
                self.reject(item, reason, None)
                continue
            if holder and holder.source_id != owner:
                self._journal.note(replace(holder, row_id=None))
            own.append(item)
            busy.add(owner)
        return own
