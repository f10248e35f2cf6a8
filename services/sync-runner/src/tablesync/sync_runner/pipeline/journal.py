"""The journal of one run: what was acknowledged, saved in transactions under its fencing token."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from tablesync.contracts import Findings, RunCounts, RunStatus
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.sync_runner.errors import LeaseLostError, RunCancelledError
from tablesync.sync_runner.pipeline.checking.notes import CheckNotes
from tablesync.sync_runner.pipeline.checkpoints import Checkpoint, Checkpoints
from tablesync.sync_runner.pipeline.record_states import (
    STATES_AT_ONCE,
    Lack,
    RecordState,
    RecordStates,
)
from tablesync.sync_runner.pipeline.rejections import Rejection, Rejections
from tablesync.sync_runner.pipeline.tally import PageTrack, Tally
from tablesync.sync_runner.runs import Ending, Run
from tablesync.sync_runner.sources.base import Position
from tablesync.sync_runner.store import DeletedSyncs, Runs


class Journal:
    """Collects outcomes; `save` makes them durable, as far as they are contiguous."""

    def __init__(self, units: UnitsOfWork, run: Run, lease: Lease) -> None:
        self.run = run
        self.checkpoint: Checkpoint | None = None
        self.check = CheckNotes(run.found)
        self.now = run.queued_at  # by the database's clock, as of the last save
        self.stage: Callable[[], Document] = dict  # what else of its progress is saved
        self._units = units
        self._lease = lease
        self._runs = Runs(units.database)
        self._deleted = DeletedSyncs(units.database)
        self._checkpoints = Checkpoints(units.database)
        self._states = RecordStates(units.database, run.sync_id, run.id)
        self._rejections = Rejections(units.database)
        self._tracks: deque[PageTrack] = deque()
        self._saved = Tally(**run.counts.model_dump())
        self._pending: dict[str, RecordState] = {}
        self._rejected: dict[str, Rejection | None] = {}  # None: no longer rejected
        self._adopted: dict[str, str] = {}
        self._saving = asyncio.Lock()
        self._came_on = False

    def open_pages(self) -> Sequence[PageTrack]:
        """Return the pages that are not yet part of the contiguous prefix.

        Where a record was withheld, the prefix ends in this run: only what is under way counts.
        """
        self._advance()
        if any(each.withheld for each in self._tracks):
            return [each for each in self._tracks if each.under_way]
        return self._tracks

    @property
    def counts(self) -> RunCounts:
        """What the run has done so far, whether saved or not."""
        total = Tally(**vars(self._saved))
        for track in self._tracks:
            total.add(track.tally)
        return total.counts()

    @property
    def found(self) -> Findings | None:
        """What the run's check has found so far; None if it checks only what changed."""
        return self.check.shown(self._tracks)

    @property
    def check_id(self) -> str | None:
        """The check that is under way, if one is."""
        check = self.checkpoint.check if self.checkpoint else None
        return check.id if check else None

    def go_on_with(self, checkpoint: Checkpoint) -> None:
        """Begin to read at a checkpoint, or go on there."""
        self.checkpoint = checkpoint
        self.check.go_on_with(checkpoint.check)

    async def end_reading(self) -> None:
        """Take in that a check has read everything at the source: save what it has seen there.

        What it then looks for by id it has not seen until that is done.
        """
        self.check.end_reading()
        await self.save()

    def read_again(self, position: Position) -> None:
        """Have a check read everything once more: what is rejected is told by that alone."""
        assert self.checkpoint is not None, "a check is under way"
        self._advance()
        self.checkpoint = self.checkpoint.at(position)
        self._saved.rejected = 0
        self.check.read_again()

    @property
    def knows_rows(self) -> bool:
        """Whether rows that hold something else than is stored of them were changed by hand."""
        return self.checkpoint is not None and self.checkpoint.knows_rows

    @property
    def offset(self) -> str | None:
        """Where the comparison of the table's rows goes on; None at its beginning."""
        check = self.checkpoint.check if self.checkpoint else None
        return check.offset if check else None

    def compare_from(self, offset: str | None) -> None:
        """Take in how far the table's rows have been compared."""
        assert self.checkpoint is not None, "a check is under way"
        self.checkpoint = self.checkpoint.comparing_from(offset)
        self._came_on = True

    def end_comparison(self) -> None:
        """Take in that all rows of the table have been compared."""
        assert self.checkpoint is not None, "a check is under way"
        self.checkpoint = self.checkpoint.compared()

    def open_page(self, position: Position, source_ids: Collection[str], size: int) -> PageTrack:
        """Take a page in, in reading order."""
        track = PageTrack(position, Tally(read=len(source_ids)), size)
        self.check.open_page(track, source_ids)
        self._tracks.append(track)
        return track

    def note(self, state: RecordState) -> None:
        """Take in what is known of one record now."""
        self._pending[state.source_id] = state

    def adopt(self, row_id: str, source_id: str) -> None:
        """Take in that a record without a row has found one by its key: it is no other's any more.

        Somebody may have given another record's row that key by hand.
        """
        self._adopted[row_id] = source_id

    def reject(self, rejection: Rejection) -> None:
        """Take in that a record could not be written."""
        self._rejected[rejection.source_id] = rejection

    def clear(self, source_id: str) -> None:
        """Take in that a record which was rejected before has been written."""
        self._rejected[source_id] = None

    async def states(self, source_ids: Sequence[str]) -> dict[str, RecordState]:
        """Return what is known of records, saved or not."""
        async with self._saving:
            known = await self._states.load(source_ids)
            return known | {key: self._pending[key] for key in source_ids if key in self._pending}

    async def holders(self, keys: Collection[str]) -> list[RecordState]:
        """Return the records whose rows have one of these keys, or may have, saved or not."""
        async with self._saving:
            known = await self._states.holders(list(keys))
            saved = [each for each in known if each.source_id not in self._pending]
            pending = [
                each for each in self._pending.values() if not set(keys).isdisjoint(each.keys)
            ]
            return saved + pending

    async def astray(self, keys: Collection[str]) -> list[RecordState]:
        """Return the records whose rows have one of these keys by hand, as a check has found."""
        if not keys:
            return []
        return [
            each
            for each in await self.holders(keys)
            if each.lack is not None and each.former_key in keys
        ]

    async def neighbours(self, state: RecordState, limit: int) -> list[str]:
        """Return the ids of up to so many records with the next ids, or keys, to both sides."""
        return await self._states.neighbours(state, limit // 4)

    async def rejected_before(self, after: str, limit: int) -> list[RecordState]:
        """Return records that earlier runs rejected and this one has not tried, from an id on.

        What this run found out has to be saved.
        """
        while states := await self._states.rejected(after, limit):
            ids = [each.source_id for each in states]
            tried = await self._rejections.among(self.run.id, ids)
            if untried := [each for each in states if each.source_id not in tried]:
                return untried
            after = ids[-1]
        return []

    async def states_of_rows(self, row_ids: Sequence[str]) -> list[RecordState]:
        """Return what is known of the records that these rows are of, saved or not."""
        known = await self._states.of_rows(row_ids)
        return [self._pending.get(each.source_id, each) for each in known]

    async def without_row(self, after: str, limit: int) -> list[RecordState]:
        """Return records whose row the check has not seen in the table, from behind an id.

        What it has seen has to be saved.
        """
        assert self.check_id is not None, "a check asks"
        return await self._states.without_row(self.check_id, after, limit)

    async def doubt_gone(self) -> None:
        """Take in that the mapping was edited: the next check looks at gone records once more.

        No pass reads those again that their source does not list.
        """
        after = ""
        while states := await self._states.gone(after, STATES_AT_ONCE):
            after = states[-1].source_id
            for each in states:
                self.note(replace(each.unknown(), lack=Lack.UNKNOWN))
            await self.save()

    async def unseen(self, after: str, limit: int, *, by_id: bool) -> list[str]:
        """Return records that the check has to look for by id: it has not seen them at the source.

        What it has seen has to be saved.
        """
        assert self.check_id is not None, "a check asks"
        return await self._states.unseen(self.check_id, after, limit, by_id=by_id)

    def finish_pass(self) -> Checkpoint:
        """End the current pass, all of which has arrived; return where the sync stands now."""
        self._advance()
        assert not self._tracks, "the pipeline waits for everything"
        assert self.checkpoint is not None, "a pass was read"
        self.checkpoint = self.checkpoint.finished()
        return self.checkpoint

    async def find_checkpoint(self) -> Checkpoint | None:
        """Return where earlier runs have left the sync, if there were any."""
        return await self._checkpoints.find(self.run.sync_id)

    async def begin(self) -> None:
        """Store that the run has begun, and tell it.

        Raises RunCancelledError if its sync was deleted before it could be stopped in the queue.
        """

        async def work(unit: UnitOfWork) -> None:
            if await self._deleted.include(self.run.sync_id, unit.session):
                raise RunCancelledError
            self.now = unit.now
            started_at = self.run.started_at or unit.now
            await self._prove(unit, {"started_at": started_at, "waited_seconds": 0.0})
            unit.publish(self.run.started(started_at))

        await self._units.run(work)

    async def save(self, ending: Ending | None = None, *, finished: bool = False) -> None:
        """Store all outcomes, and how the run ended; `finished` if its pass has.

        Raises LeaseLostError, and stores nothing, if the run is no longer ours.
        """
        async with self._saving:
            await self._take_adopted_rows()
            self._advance()
            checkpoint = self._checkpoint_at(ending, finished=finished)
            check = self.checkpoint.check if self.checkpoint else None
            states, rejected, seen = self._pending, self._rejected, self.check.take_seen()
            if check is not None and check.rows_compared:
                # One that is new has had no state to be stamped; what still has to arrive is looked
                # for again by whoever goes on.
                seen.source_ids.update(id_ for id_, each in states.items() if each.digest)
            self._pending, self._rejected = {}, {}

            counts: Document = {"counts": self._saved.counts().model_dump()}
            came_on: Document = {"takeovers": 0} if self._came_on else {}

            async def work(unit: UnitOfWork) -> None:
                self.now = unit.now
                await self._prove(unit, counts | came_on | self.stage(), ending)
                if checkpoint is not None:
                    await self._checkpoints.save(checkpoint, unit.session)
                elif self.run.distrusted:
                    await self._checkpoints.distrust(self.run.sync_id, unit.session)
                await self._states.save(states.values(), unit.now, unit.session)
                if check is not None:
                    await self._states.stamp(seen, check.id, unit.session)
                await self._rejections.save(self.run, rejected, unit.now, unit.session)

            try:
                await self._units.run(work)
            except BaseException:  # a cancelled save has saved nothing, as far as is known
                again = {id_: each.maybe_stored() for id_, each in states.items()}
                self._pending = again | self._pending
                self._rejected = rejected | self._rejected
                self.check.put_back(seen)
                raise

    async def hand_back(self, after_seconds: float = 0.0, waited_seconds: float = 0.0) -> None:
        """Put the run back into the queue, for any worker: in its place, or for a later turn.

        It has not come on for `waited_seconds`, and does not until then.
        """

        async def work(unit: UnitOfWork) -> None:
            released: Document = {
                "status": RunStatus.QUEUED.value,
                "owner": None,
                "lease_until": None,
                "waited_seconds": waited_seconds + after_seconds,
            }
            if after_seconds:
                released["queued_at"] = unit.now + timedelta(seconds=after_seconds)
            await self._prove(unit, released)
            if self.run.distrusted:  # it may be cancelled before anybody goes on with it
                await self._checkpoints.distrust(self.run.sync_id, unit.session)

        await self._units.run(work)

    async def forget(self) -> None:
        """Forget the sync's rows and cursor: its source is another account now.

        Raises LeaseLostError, and forgets nothing, if the run is no longer ours.
        """

        async def work(unit: UnitOfWork) -> bool:
            await self._prove(unit, {})
            return await self._checkpoints.forget(self.run.sync_id, unit.session)

        while not await self._units.run(work):
            pass

    async def _take_adopted_rows(self) -> None:
        """Take rows that were adopted from those who had them: they are tried again without."""
        if not self._adopted:
            return
        adopted = dict(self._adopted)
        saved = await self._states.also_of(adopted)
        known = {each.source_id: each for each in saved} | self._pending
        for each in known.values():
            if adopted.get(each.row_id or "", each.source_id) != each.source_id:
                self.note(replace(each.without_row(), rejected=True))
        for row_id in adopted:
            del self._adopted[row_id]

    def _findings(self) -> Document:
        found = self.found
        return {"found": found.model_dump()} if found else {}

    def _checkpoint_at(self, ending: Ending | None, *, finished: bool) -> Checkpoint | None:
        """Return where the sync stands after a run's end: a cancelled check is given up."""
        if self.checkpoint is None:
            return None
        if ending is not None and ending.status is RunStatus.CANCELLED:
            return self.checkpoint.unchecked()
        if finished:
            return self.checkpoint.finished()
        return self.checkpoint.finding(self.check.found)

    def _advance(self) -> None:
        while self._tracks and self._tracks[0].done:
            track = self._tracks.popleft()
            self._saved.add(track.tally)
            self._came_on = True
            self.check.close_page(track)
            assert self.checkpoint is not None, "pages are read after it was set"
            self.checkpoint = self.checkpoint.at(track.position)

    async def _prove(
        self, unit: UnitOfWork, changes: Document, ending: Ending | None = None
    ) -> None:
        """Write the run document, which only the owner of the newest fence can.

        The time makes it a change in any case: only a change conflicts with a takeover.
        """
        changes = {"saved_at": unit.now, **self._findings()} | changes
        if ending is not None:
            changes |= ending.fields(unit.now) | {"counts": self.counts.model_dump()}
        if not await self._runs.change(self._lease, changes, unit.session):
            self._lease.lost.set()
            raise LeaseLostError(self.run.id)
        if ending is not None:
            ended = await self._runs.find(self.run.id, unit.session)
            assert ended is not None, "it has just been written"
            unit.publish(ending.event(ended, unit.now))
