"""Checkpoints: how far a sync's passes have come, kept from run to run.

A checkpoint is a contiguous prefix of what Airtable acknowledged. Its cursor is when the last
finished pass began, by the provider's clock; a pass that was cut short keeps its own beginning
through takeovers and catch-ups, so that nothing at its edge is lost.
"""

from dataclasses import dataclass, replace
from typing import Any

from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.sync_runner.sources.base import Position
from tablesync.sync_runner.store import CHECKPOINTS, RECORD_STATES

# After a worker was lost, the pass it was in and the next one are distrusted: a record may have
# moved from the one into the other by being edited.
DISTRUSTED_PASSES = 2
FORGET_AT_ONCE = 5_000


@dataclass(frozen=True)
class Pass:
    """One reading of the source; `began_ms` by the provider's clock, in unix milliseconds."""

    position: Position
    began_ms: int
    run_id: str


@dataclass(frozen=True)
class Checkpoint:
    """Where a sync stands; `cursor_ms` is None before its first pass has ended.

    In a distrusted pass no record counts as unchanged: it is not known what a lost worker sent in
    its last moments.
    """

    sync_id: str
    fingerprint: str
    origin: str
    cursor_ms: int | None = None
    current: Pass | None = None
    distrusted_passes: int = 0

    @property
    def trusted(self) -> bool:
        """Whether the digests that are stored tell what the rows hold."""
        return self.distrusted_passes == 0

    def begun_by(self, run_id: str) -> bool:
        """Whether the current pass, if there is one, is that run's own."""
        return self.current is None or self.current.run_id == run_id

    def distrust(self) -> "Checkpoint":
        """Note that a worker was lost."""
        return replace(self, distrusted_passes=DISTRUSTED_PASSES)

    def reading(self, current: Pass) -> "Checkpoint":
        """Begin a pass."""
        return replace(self, current=current)

    def at(self, position: Position) -> "Checkpoint":
        """Move the current pass on."""
        assert self.current is not None, "only a pass that has begun has a position"
        return replace(self, current=replace(self.current, position=position))

    def finished(self) -> "Checkpoint":
        """End the current pass: the next one reads what changed since it began."""
        assert self.current is not None, "only a pass that has begun can end"
        left = max(0, self.distrusted_passes - 1)
        return replace(self, cursor_ms=self.current.began_ms, current=None, distrusted_passes=left)


async def load(database: Database, sync_id: str) -> Checkpoint | None:
    """Return a sync's checkpoint, if it has one."""
    row = await database[CHECKPOINTS].find_one({"_id": sync_id})
    if row is None:
        return None
    current = Pass(**row["current"]) if row["current"] else None
    return Checkpoint(
        sync_id,
        row["fingerprint"],
        row["origin"],
        row["cursor_ms"],
        current,
        row["distrusted_passes"],
    )


async def save(unit: UnitOfWork, checkpoint: Checkpoint) -> None:
    """Store a checkpoint in the transaction that proves the lease."""
    await unit.database[CHECKPOINTS].replace_one(
        {"_id": checkpoint.sync_id}, _row(checkpoint), upsert=True, session=unit.session
    )


async def forget(unit: UnitOfWork, sync_id: str) -> bool:
    """Forget some of a sync's rows, and its cursor with the last of them; tell whether it has.

    Like every write of a run it goes into transactions that prove the lease; none may get long.
    """
    rows = unit.database[RECORD_STATES].find(
        {"_id": {"$gte": f"{sync_id}/", "$lt": f"{sync_id}0"}},  # "0" comes right after "/"
        {"_id": 1},
        limit=FORGET_AT_ONCE,
        session=unit.session,
    )
    ids = [row["_id"] async for row in rows]
    await unit.database[RECORD_STATES].delete_many({"_id": {"$in": ids}}, session=unit.session)
    if len(ids) == FORGET_AT_ONCE:
        return False
    await unit.database[CHECKPOINTS].delete_one({"_id": sync_id}, session=unit.session)
    return True


def _row(checkpoint: Checkpoint) -> dict[str, Any]:
    current = checkpoint.current
    return {
        "fingerprint": checkpoint.fingerprint,
        "origin": checkpoint.origin,
        "cursor_ms": checkpoint.cursor_ms,
        "current": vars(current) if current else None,
        "distrusted_passes": checkpoint.distrusted_passes,
    }
