"""Checkpoints (resumable cursors): how far a sync's passes have come, kept from run to run.

A checkpoint is a contiguous prefix of what Airtable acknowledged. Its cursor is when the last
finished pass began, by the provider's clock; a pass that was cut short keeps its own beginning
through takeovers and catch-ups, so that nothing at its edge is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from uuid import uuid4

from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import read
from tablesync.sync_runner.pipeline.columns import EXACT
from tablesync.sync_runner.sources.base import Position
from tablesync.sync_runner.store import CHECKPOINTS, FORGET_AT_ONCE, RECORD_STATES

# After a worker was lost, the pass it was in and the next one are distrusted: a record may have
# moved from the one into the other by being edited.
DISTRUSTED_PASSES = 2


@dataclass(frozen=True)
class Pass:
    """One reading of the source; `began_ms` by the provider's clock, in unix milliseconds."""

    position: Position
    began_ms: int
    run_id: str


@dataclass(frozen=True)
class Check:
    """A check of everything that is under way: how far it has come, and what it has found.

    First the table's rows are compared with what is known of them, page by page from `offset` on;
    then everything is read at the source, as the checkpoint's current pass; then what was not seen
    there is asked for by its id. What it has seen it stamps with its `id`.
    """

    id: str = field(default_factory=lambda: uuid4().hex)
    rows_compared: bool = False
    offset: str | None = None
    found: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoint:
    """Where a sync stands; `cursor_ms` is None before its first pass has ended.

    In a distrusted pass no record counts as unchanged: it is not known what a lost worker sent in
    its last moments. `conversions` are those of today that rows are written by, beside the usual;
    `converted_from` are those that rows may still hold, until a pass has read everything.
    """

    sync_id: str
    fingerprint: str
    origin: str
    cursor_ms: int | None = None
    current: Pass | None = None
    distrusted_passes: int = 0
    check: Check | None = None
    conversions: frozenset[str] = frozenset()
    converted_from: frozenset[str] | None = None

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form."""
        current, check = document["current"], document.get("check")
        converted_from = document.get("converted_from")
        return cls(
            sync_id=document["_id"],
            fingerprint=document["fingerprint"],
            origin=document["origin"],
            cursor_ms=document["cursor_ms"],
            current=Pass(**current) if current else None,
            distrusted_passes=document["distrusted_passes"],
            check=Check(**check) if check else None,
            conversions=frozenset(document.get("conversions", ())),
            converted_from=None if converted_from is None else frozenset(converted_from),
        )

    def to_document(self) -> Document:
        """Return the stored form."""
        more: dict[str, Any] = {"check": vars(self.check)} if self.check else {}
        if self.conversions:
            more["conversions"] = sorted(self.conversions)
        if self.converted_from is not None:
            more["converted_from"] = sorted(self.converted_from)
        return {
            "_id": self.sync_id,
            "fingerprint": self.fingerprint,
            "origin": self.origin,
            "cursor_ms": self.cursor_ms,
            "current": vars(self.current) if self.current else None,
            "distrusted_passes": self.distrusted_passes,
            **more,
        }

    @property
    def trusted(self) -> bool:
        """Whether the digests that are stored tell what the rows hold."""
        return self.distrusted_passes == 0

    @property
    def knows_rows(self) -> bool:
        """Whether all digests are of this mapping, and tell what the rows hold."""
        return self.trusted and self.cursor_ms is not None

    def begun_by(self, run_id: str) -> bool:
        """Whether the current pass, if there is one, is that run's own."""
        return self.current is None or self.current.run_id == run_id

    @property
    def since_ms(self) -> int | None:
        """From when on the next pass reads; None if it reads everything."""
        return None if self.check else self.cursor_ms

    @property
    def doubts_numbers(self) -> bool:
        """Whether numbers may be rounded that are in rows of which no record is read."""
        known = self.converted_from is None or EXACT in self.converted_from
        return not known and self.since_ms is not None

    def distrust(self) -> Self:
        """Note that a worker was lost: a check compares the rows again that it may have written.

        While a check compares rows, nothing is written.
        """
        if self.check is None:
            return replace(self, distrusted_passes=DISTRUSTED_PASSES)
        if not self.check.rows_compared:
            return self
        again = replace(self.check, rows_compared=False)
        return replace(self, distrusted_passes=DISTRUSTED_PASSES, check=again)

    def converted_by(self, conversions: frozenset[str]) -> Self:
        """Have everything read again if values are converted otherwise now; digests stay valid.

        Of numbers, only those that were rounded are rejected now: they can be found in the table.
        """
        if conversions == self.conversions:
            return self
        found = replace(self, conversions=conversions, converted_from=self.conversions)
        if conversions | {EXACT} == self.conversions | {EXACT}:
            return found
        return replace(found, cursor_ms=None, current=None)

    def checking(self) -> Self:
        """Begin a check of everything, in place of a pass or a check that is under way."""
        return replace(self, check=Check(), current=None)

    def unchecked(self) -> Self:
        """Give a check up, with its pass."""
        return replace(self, check=None, current=None) if self.check else self

    def comparing_from(self, offset: str | None) -> Self:
        """Move the comparison of the table's rows on, or begin it again."""
        assert self.check is not None, "only a check compares rows"
        return replace(self, check=replace(self.check, offset=offset))

    def compared(self) -> Self:
        """End the comparison: digests tell what the rows hold, whatever a lost worker has sent."""
        assert self.check is not None, "only a check compares rows"
        check = replace(self.check, offset=None, rows_compared=True)
        return replace(self, check=check, distrusted_passes=0)

    def finding(self, found: Mapping[str, int]) -> Self:
        """Note what a check has found, if one is under way."""
        return replace(self, check=replace(self.check, found=found)) if self.check else self

    def reading(self, current: Pass) -> Self:
        """Begin a pass."""
        return replace(self, current=current)

    def at(self, position: Position) -> Self:
        """Move the current pass on."""
        assert self.current is not None, "only a pass that has begun has a position"
        return replace(self, current=replace(self.current, position=position))

    def finished(self) -> Self:
        """End the current pass, and its check: the next one reads what changed since it began."""
        assert self.current is not None, "only a pass that has begun can end"
        left = max(0, self.distrusted_passes - 1)
        return replace(
            self,
            cursor_ms=self.current.began_ms,
            current=None,
            distrusted_passes=left,
            check=None,
            converted_from=None,
        )


class Checkpoints:
    """The checkpoints of all syncs; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self._checkpoints = database[CHECKPOINTS]
        self._record_states = database[RECORD_STATES]

    async def find(self, sync_id: str, session: Session | None = None) -> Checkpoint | None:
        """Return a sync's checkpoint, if it has one."""
        found = await self._checkpoints.find_one({"_id": sync_id}, session=session)
        return read(self._checkpoints, Checkpoint.from_document, found) if found else None

    async def save(self, checkpoint: Checkpoint, session: Session) -> None:
        """Store a checkpoint in the transaction that proves the lease."""
        await self._checkpoints.replace_one(
            {"_id": checkpoint.sync_id}, checkpoint.to_document(), upsert=True, session=session
        )

    async def distrust(self, sync_id: str, session: Session) -> None:
        """Note that a worker was lost whose run ends before anybody goes on with it."""
        known = await self.find(sync_id, session)
        if known is not None:
            await self.save(known.distrust(), session)

    async def forget(self, sync_id: str, session: Session) -> bool:
        """Forget some of a sync's rows, and its cursor with the last of them: whether it has.

        A run that is under way proves its lease in the same transaction, as with all its writes.
        """
        rows = self._record_states.find(
            {"_id": {"$gte": f"{sync_id}/", "$lt": f"{sync_id}0"}},  # "0" comes right after "/"
            {"_id": 1},
            limit=FORGET_AT_ONCE,
            session=session,
        )
        ids = [row["_id"] async for row in rows]
        await self._record_states.delete_many({"_id": {"$in": ids}}, session=session)
        if len(ids) == FORGET_AT_ONCE:
            return False
        await self._checkpoints.delete_one({"_id": sync_id}, session=session)
        return True
