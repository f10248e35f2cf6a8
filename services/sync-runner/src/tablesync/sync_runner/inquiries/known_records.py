"""What earlier runs of a sync have left of one record: its row, its last write, its rejection."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError
from tablesync.contracts import Destination, FieldMapping
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.mongo import Database
from tablesync.sync_runner.pipeline.checkpoints import Checkpoint, Checkpoints
from tablesync.sync_runner.pipeline.record_states import LastWrite, RecordState, RecordStates
from tablesync.sync_runner.pipeline.rejections import Rejection, Rejections
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.store import Runs


@dataclass(frozen=True)
class KnownRecord:
    """What is known of a record; nothing, of one that no run has met."""

    state: RecordState | None = None
    written: LastWrite | None = None
    rejection: Rejection | None = None

    @property
    def row_id(self) -> str | None:
        """Its row, as far as is known."""
        return self.state.row_id if self.state else None

    @property
    def run_id(self) -> str | None:
        """The last run that wrote or rejected it."""
        if self.rejection:
            return self.rejection.run_id
        return self.written.run_id if self.written else None


class KnownSync:
    """One sync, as its runs have left it; one that has not run is not known, and has no records."""

    def __init__(self, database: Database, sync_id: str, run: Run | None) -> None:
        self.mapping = _mapping(run) if run else ()
        self._sync_id = sync_id
        self._target = run.target if run else None
        self._states = RecordStates(database, sync_id) if run else None
        self._rejections = Rejections(database)
        self._checkpoints = Checkpoints(database)

    @classmethod
    async def find(cls, database: Database, workspace_id: str, sync_id: str) -> "KnownSync":
        """Return a sync; raises Problem 404 for one that another workspace has.

        That is told by its runs alone: without one nothing that is stored of it is looked at.
        """
        run = await Runs(database).newest_of(sync_id)
        if run is not None and run.workspace_id != workspace_id:
            raise not_found("sync")
        return cls(database, sync_id, run)

    async def checkpoint(self, origin: str, to: Destination) -> Checkpoint | None:
        """Return where it stands; None where its rows are of another account or table."""
        if self._target != f"{to.base_id}/{to.table_id}":
            return None
        found = await self._checkpoints.find(self._sync_id)
        return found if found and found.origin == origin else None

    async def source_id(self, record: str, key: str | None) -> str | None:
        """Return the id of a record that is named by its id, or else by its row's key."""
        if self._states is None:
            return None
        if await self._states.load([record]):
            return record
        holders = await self._states.holders([key]) if key else []
        return holders[0].source_id if holders else None

    async def record(self, source_id: str) -> KnownRecord:
        """Return what is known of a record."""
        if self._states is None:
            return KnownRecord()
        state = (await self._states.load([source_id])).get(source_id)
        rejection = await self._rejections.last_of(self._sync_id, source_id)
        stands = state is None or state.rejected
        written = await self._states.last_write(source_id)
        return KnownRecord(state, written, rejection if stands else None)


def _mapping(run: Run) -> Sequence[FieldMapping]:
    """Return how a sync maps; nothing of a spec that this version cannot read."""
    with suppress(ValidationError):
        return run.spec.mapping
    return ()
