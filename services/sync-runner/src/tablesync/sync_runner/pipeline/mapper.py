"""Turns records into the rows that have to be written, and says why one cannot be."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from operator import eq
from typing import Any, NamedTuple, Self

import orjson
import structlog
from tablesync.sync_runner.airtable.cells import Cell, CoercionError, is_blank
from tablesync.sync_runner.airtable.reasons import Reason
from tablesync.sync_runner.pipeline.columns import Column, cells_of
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.pipeline.plan import Plan, digest
from tablesync.sync_runner.pipeline.record_states import Lack, RecordState, Refusal
from tablesync.sync_runner.pipeline.rejections import Rejection
from tablesync.sync_runner.pipeline.tally import PageTrack
from tablesync.sync_runner.sources.base import SourceRecord

log = structlog.get_logger()

OUR_FAULT = (
    "TableSync could not make a row of it: our own fault, and it was logged. Change what is odd "
    "about the record at its source, or report it to whoever runs TableSync"
)


class Fault(NamedTuple):
    """Why a record cannot be written; `refusal` is there if Airtable itself has refused it."""

    reason: Reason
    refusal: Refusal | None = None


@dataclass(slots=True)
class Item:
    """A record as it is now, beside what is known of its row; only its mapper fills it in.

    `key` is kept unless it is the record's id; a record without one has None. One that is `gone`
    has the key of its row, which it never changes; its `fate` is what became of it.
    `before` is what its row holds in those cells that are converted otherwise now, if that is all
    that it lacks.
    """

    source_id: str
    known: RecordState | None
    track: PageTrack
    cells: Mapping[str, Cell] = field(default_factory=dict)
    digest: bytes = b""
    key: str | None = None
    fate: str | None = None
    nameless: bool = False
    unchanged: bool = False
    fault: Fault | None = None
    before: Mapping[str, Cell] | None = None

    @property
    def row_id(self) -> str | None:
        """The row it is known to be."""
        return self.known.row_id if self.known else None

    @property
    def gone(self) -> bool:
        """Whether its source has it no more."""
        return self.fate is not None

    @property
    def suspect(self) -> bool:
        """Whether it was rejected before: it must not hold up nine others again."""
        return self.known is not None and self.known.rejected

    @property
    def to_write(self) -> bool:
        """Whether its row has to be written, and can be."""
        return self.fault is None and not self.unchanged

    @property
    def moves(self) -> bool:
        """Whether its row gets another key than it has."""
        return self.known is not None and self.row_id is not None and self.known.key != self.key

    @property
    def in_doubt(self) -> bool:
        """Whether its row gets a third key, where one of two is in it already."""
        return self.moves and self.known is not None and self.known.former_key is not None

    @property
    def claims(self) -> bool:
        """Whether it is to be written with a key: one that is gone claims none."""
        return self.to_write and not self.gone and self.key is not None

    @property
    def keys(self) -> set[str]:
        """The keys that its row has, may have, or is to get."""
        own = {self.key} if self.key else set()
        return own.union(self.known.keys) if self.known else own

    def without_key(self, field_id: str, key: str | None) -> Self:
        """Return it as one whose key cell is left as it is, with that key."""
        cells = {name: cell for name, cell in self.cells.items() if name != field_id}
        return replace(self, cells=cells, key=key, digest=digest(cells), before=None)

    def because(self, reason: str | Reason) -> Self:
        """Return it as one that cannot be written."""
        return replace(self, fault=Fault(Reason(reason) if isinstance(reason, str) else reason))

    @property
    def finding(self) -> str:
        """What a check has found of it once it is written, by the names of Findings."""
        known = self.known
        if known is None:
            return "outdated"
        if known.lack in _LACKS:
            return _LACKS[known.lack]
        if self.gone and (known.gone is None or known.lack is Lack.UNKNOWN):
            return "gone"
        return "returned" if known.gone and not self.gone else "outdated"

    def written(self, row_id: str, stored: bytes | None) -> RecordState:
        """Return what is known of it once it is written, and `stored` in a form of Airtable's."""
        return RecordState(
            self.source_id,
            self.digest,
            row_id,
            self.key,
            stored=stored,
            gone=self.fate,
            new=self.known is None,
            touched=True,
        )

    def under_way(self) -> RecordState:
        """Return what is known of it while it is not known what arrived.

        A row whose key moves has the one or the other, and is seen to the end whoever goes on.
        """
        known = self.known or RecordState(self.source_id, None, None)
        former = known.key if self.moves else known.former_key
        rejected = self.suspect or self.moves
        return replace(
            RecordState(self.source_id, None, self.row_id, self.key, rejected, former),
            lack=known.lack,
            gone=known.gone,
        )

    def rejected(self) -> RecordState:
        """Return what is known of it once it is rejected: its row, if any, is as it was."""
        known = self.known or RecordState(self.source_id, None, None)
        refusal = self.fault.refusal if self.fault else None
        return replace(known.unknown(), rejected=True, refusal=refusal)


_LACKS: Mapping[Lack | None, str] = {Lack.ROW: "missing", Lack.CELLS: "altered"}
# What became of a record that its source shows as deleted.
DELETED = "deleted"


class Mapper:
    """Maps the records of one run."""

    def __init__(
        self, plan: Plan, journal: Journal, *, trusted: bool, before: Sequence[Column] = ()
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._trusted = trusted
        self._before = before if trusted else ()
        self._told: set[str] = set()

    async def items(self, records: Mapping[str, SourceRecord], track: PageTrack) -> list[Item]:
        """Return the records of a page against what is known of them."""
        known = await self._journal.states(list(records))
        return [self.item(each, known.get(each.id), track) for each in records.values()]

    def item(self, record: SourceRecord, known: RecordState | None, track: PageTrack) -> Item:
        """Return a record against what is known of it: nothing of it ends the run."""
        key = known.key if known else None  # as far as is known, until it is read
        fate = record.fate or (DELETED if record.gone else None)
        item = Item(record.id, known, track, key=key, fate=fate, nameless=record.nameless)
        if record.gone and item.row_id is None:
            return replace(item, unchanged=True)
        try:
            item = self._judged(self._read(record, item))
            return self._narrowed(record, item) if self._before else item
        except Exception as error:
            return item.because(self._told_of_ours(error))

    def _read(self, record: SourceRecord, item: Item) -> Item:
        """Return a record with its cells; where it is gone, and unfit, its mark will do."""
        if record.fate:
            return self._marked(item)
        mapped = self._mapped(record, item)
        return self._marked(item) if mapped.fault and item.gone else mapped

    def _mapped(self, record: SourceRecord, item: Item) -> Item:
        if record.fault is not None:
            fault = record.fault
            return item.because(fault if isinstance(fault, str) else self._told_of_ours(fault))
        try:
            cells, key_field = cells_of(record.values, self._plan.columns), self._plan.key.field.id
        except CoercionError as error:
            return replace(item, key=self._key_at_least(record)).because(Reason.of(error))
        item.cells, item.digest, item.key = cells, digest(cells), self._key(cells[key_field])
        if item.gone and item.known and item.key != item.known.key:
            return item.without_key(key_field, item.known.key)
        if is_blank(cells[key_field]):
            return item.because(f'its key "{self._plan.key.source.name}" is empty')
        return item

    def _marked(self, item: Item) -> Item:
        """Return a record of which nothing is known but that it is gone: its row is marked."""
        if self._plan.gone is None:
            return replace(item, unchanged=True)
        try:
            cells = self._plan.mark
        except CoercionError as error:
            return item.because(Reason.of(error))
        return replace(item, cells=cells, digest=digest(cells))

    def _told_of_ours(self, error: Exception) -> str:
        """Log a fault of ours, each kind once in a pass, with its traceback; return the reason."""
        kind = repr(error)[:200]
        if kind not in self._told:
            self._told.add(kind)
            log.error("record not mapped", run_id=self._journal.run.id, error=kind, exc_info=error)
        return OUR_FAULT

    def ready(self, items: Iterable[Item]) -> list[Item]:
        """Return what is to be written; count the others, and reject those with a fault."""
        found: list[Item] = []
        for each in items:
            if each.fault:
                self.reject(each)
            elif each.unchanged:
                self._pass_over(each)
            else:
                found.append(each)
        return found

    def stored(self, item: Item, told: Mapping[str, Any]) -> bytes | None:
        """Digest what a row holds now; None if that is what was sent, all of it."""
        if item.before is not None:
            return self._stored_beside(item, item.before, told)
        whole = len(item.cells) == len(self._plan.columns)
        if whole and (told == item.cells or _shows(told, item.cells)):
            return None
        return self._plan.digest_of_row(told)

    def _stored_beside(
        self, item: Item, before: Mapping[str, Cell], told: Mapping[str, Any]
    ) -> bytes | None:
        """Digest what a row holds that was written in part.

        Where somebody has changed the rest of it, that is left to a check, which sees it.
        """
        assert item.known is not None, "something is known of a row that is written in part"
        as_before = digest({**self._plan.row_cells(told), **before})
        now = self._plan.digest_of_row(told)
        return now if as_before == item.known.held and now != item.digest else None

    def _pass_over(self, item: Item) -> None:
        """Count a record as unchanged, and note whether it is gone or back."""
        item.track.tally.unchanged += 1
        known = item.known
        if known is None or (known.gone == item.fate and known.lack is None):
            return
        self._journal.note(replace(known, gone=item.fate, lack=None))
        if self._plan.gone is None and bool(known.gone) != item.gone:
            self._journal.check.find("gone" if item.gone else "returned")

    def reject(self, item: Item) -> None:
        """Count and keep a record that cannot be written; a nameless one is not tried again."""
        assert item.fault is not None, "there is a reason"
        item.track.tally.rejected += 1
        why = item.fault.reason
        self._journal.reject(
            Rejection(item.source_id, why.text, why.field, value=why.value, remedy=why.remedy)
        )
        if not item.nameless:
            self._journal.note(item.rejected())

    def refuse(self, item: Item, reason: Reason) -> None:
        """Reject what Airtable refused, and remember as what."""
        before = item.known.refusal if item.known else None
        tries = before.tries + 1 if before and before.digest == item.digest else 1
        fields = self._plan.digest_of(reason.field)
        refusal = Refusal(
            item.digest,
            fields,
            reason.text,
            reason.field,
            tries,
            value=reason.value,
            remedy=reason.remedy,
        )
        self.reject(replace(item, fault=Fault(reason, refusal)))

    def _judged(self, item: Item) -> Item:
        """Return an item that its row already equals, or that Airtable would refuse again, so."""
        known = item.known
        if known is None or item.fault:
            return item
        if known.refusal and self._stands(known.refusal, item):
            return replace(item, fault=Fault(_why(known.refusal), known.refusal))
        sure = self._trusted and not known.rejected and known.row_id is not None
        if sure and known.digest == item.digest:
            return replace(item, unchanged=True)
        return item

    def _narrowed(self, record: SourceRecord, item: Item) -> Item:
        """Leave all cells of a row alone but those that are converted otherwise now.

        That holds where it would be unchanged if they were converted as before.
        """
        known = item.known
        if known is None or known.row_id is None or not item.to_write:
            return item
        with suppress(CoercionError):
            before = cells_of(record.values, self._before)
            if digest({**item.cells, **before}) == known.digest:
                differ = {each: old for each, old in before.items() if old != item.cells[each]}
                return replace(item, before=differ)
        return item

    def _stands(self, refusal: Refusal, item: Item) -> bool:
        """Whether nothing has changed since Airtable refused a record."""
        return (
            refusal.digest == item.digest
            and refusal.fields == self._plan.digest_of(refusal.field)
            and refusal.retry_at is not None
            and self._journal.now < refusal.retry_at
        )

    def _key_at_least(self, record: SourceRecord) -> str | None:
        """Return the key of a record that is unfit otherwise."""
        with suppress(Exception):
            return self._key(self._plan.key.cell(record.values.get(self._plan.key.source.name)))
        return None

    def _key(self, cell: Cell) -> str | None:
        if self._plan.key_is_record_id or is_blank(cell):
            return None
        return orjson.dumps(cell).decode()


def _why(refusal: Refusal) -> Reason:
    return Reason(refusal.reason, refusal.field, refusal.value, refusal.remedy)


def _shows(told: Mapping[str, Any], cells: Mapping[str, Cell]) -> bool:
    """Whether a row shows what was sent: it leaves empty cells out."""
    return all(map(eq, map(told.get, cells), cells.values()))
