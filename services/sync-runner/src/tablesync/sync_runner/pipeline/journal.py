"""The journal of one run: what was acknowledged, saved in transactions that prove the lease."""

import asyncio
from collections import deque
from collections.abc import Sequence

from tablesync.contracts import RunCounts, RunStatus
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.sync_runner.access.connections import stored_stops
from tablesync.sync_runner.errors import LeaseLostError
from tablesync.sync_runner.pipeline import checkpoints
from tablesync.sync_runner.pipeline.checkpoints import Checkpoint
from tablesync.sync_runner.pipeline.record_states import RecordState, RecordStates
from tablesync.sync_runner.pipeline.tally import PageTrack, Rejection, Tally
from tablesync.sync_runner.runs import Ending, Run
from tablesync.sync_runner.sources.base import Position
from tablesync.sync_runner.store import REJECTIONS, RUNS, ending_fields, owned_by


class Journal:
    """Collects outcomes; `save` makes them durable, as far as they are contiguous."""

    def __init__(self, units: UnitsOfWork, run: Run, lease: Lease) -> None:
        self.run = run
        self.checkpoint: Checkpoint | None = None
        self._units = units
        self._lease = lease
        self._states = RecordStates(units.database, run.spec.sync_id)
        self._tracks: deque[PageTrack] = deque()
        self._saved = Tally(**run.counts.model_dump())
        self._pending: dict[str, RecordState] = {}
        self._rejections: dict[str, Rejection | None] = {}  # None: no longer rejected
        self._saving = asyncio.Lock()

    def open_pages(self) -> int:
        """Return how many pages are not yet part of the contiguous prefix."""
        self._advance()
        return len(self._tracks)

    @property
    def counts(self) -> RunCounts:
        """What the run has done so far, whether saved or not."""
        total = Tally(**vars(self._saved))
        for track in self._tracks:
            total.add(track.tally)
        return total.counts()

    def open_page(self, position: Position, read: int) -> PageTrack:
        """Take a page in, in reading order."""
        track = PageTrack(position, Tally(read=read))
        self._tracks.append(track)
        return track

    def note(self, state: RecordState) -> None:
        """Take in what is known of one record now."""
        self._pending[state.source_id] = state

    def reject(self, rejection: Rejection) -> None:
        """Take in that a record could not be written."""
        self._rejections[rejection.source_id] = rejection

    def clear(self, source_id: str) -> None:
        """Take in that a record which was rejected before has been written."""
        self._rejections[source_id] = None

    async def states(self, source_ids: Sequence[str]) -> dict[str, RecordState]:
        """Return what is known of records, saved or not."""
        async with self._saving:
            known = await self._states.load(source_ids)
            return known | {key: self._pending[key] for key in source_ids if key in self._pending}

    async def owners(self, keys: Sequence[str]) -> dict[str, RecordState]:
        """Give, by key, the source record that has a row with it, saved or not."""
        async with self._saving:
            known = await self._states.owners(keys)
            saved = [each for each in known.values() if each.source_id not in self._pending]
            held = [*saved, *(each for each in self._pending.values() if each.row_id)]
            held.sort(key=lambda each: not each.rejected)
            by_key = {each.key: each for each in held}
            return {key: by_key[key] for key in keys if key in by_key}

    async def rejected_before(self, after: str, limit: int) -> list[RecordState]:
        """Return records that earlier runs rejected and this one has not tried, from an id on.

        What this run found out has to be saved.
        """
        while states := await self._states.rejected(after, limit):
            ids = [each.source_id for each in states]
            query = {"run_id": self.run.id, "source_id": {"$in": ids}}
            tried = set(await self._units.database[REJECTIONS].distinct("source_id", query))
            if untried := [each for each in states if each.source_id not in tried]:
                return untried
            after = ids[-1]
        return []

    def finish_pass(self) -> Checkpoint:
        """End the current pass, all of which has arrived, and give where the sync stands now."""
        self._advance()
        assert not self._tracks, "the pipeline waits for everything"
        assert self.checkpoint is not None, "a pass was read"
        self.checkpoint = self.checkpoint.finished()
        return self.checkpoint

    async def begin(self) -> None:
        """Store that the run has begun, and tell it."""

        async def work(unit: UnitOfWork) -> None:
            started_at = self.run.started_at or unit.now
            await self._prove(unit, {"started_at": started_at})
            unit.publish(self.run.started(started_at))

        await self._units.run(work)

    async def save(self, ending: Ending | None = None, *, finished: bool = False) -> dict[str, int]:
        """Store all outcomes, and how the run ended; return the stored stops of its connections.

        Raises LeaseLostError, and stores nothing, if the run is no longer ours.
        """
        async with self._saving:
            self._advance()
            checkpoint = self.checkpoint
            if checkpoint is not None and finished:
                checkpoint = checkpoint.finished()
            states, rejections = self._pending, self._rejections
            self._pending, self._rejections = {}, {}

            async def work(unit: UnitOfWork) -> dict[str, int]:
                await self._prove(unit, {"counts": self._saved.counts().model_dump()}, ending)
                if checkpoint is not None:
                    await checkpoints.save(unit, checkpoint)
                await self._states.save(unit, states.values())
                await self._save_rejections(unit, rejections)
                return await self._stops(unit)

            try:
                return await self._units.run(work)
            except BaseException:  # a cancelled save has saved nothing, as far as is known
                self._pending = states | self._pending
                self._rejections = rejections | self._rejections
                raise

    async def hand_back(self) -> None:
        """Put the run back into the queue, for any worker."""

        async def work(unit: UnitOfWork) -> None:
            released = {"status": RunStatus.QUEUED.value, "owner": None, "lease_until": None}
            await self._prove(unit, released)

        await self._units.run(work)

    async def forget(self) -> None:
        """Forget the sync's rows and cursor: its source is another account now.

        Raises LeaseLostError, and forgets nothing, if the run is no longer ours.
        """

        async def work(unit: UnitOfWork) -> bool:
            await self._prove(unit, {})
            return await checkpoints.forget(unit, self.run.spec.sync_id)

        while not await self._units.run(work):
            pass

    def _advance(self) -> None:
        while self._tracks and self._tracks[0].done:
            track = self._tracks.popleft()
            self._saved.add(track.tally)
            assert self.checkpoint is not None, "pages are read after it was set"
            self.checkpoint = self.checkpoint.at(track.position)

    async def _prove(
        self, unit: UnitOfWork, changes: Document, ending: Ending | None = None
    ) -> None:
        """Write the run document, which only the owner of the newest fence can.

        The time makes it a change in any case: only a change conflicts with a takeover.
        """
        changes = {"saved_at": unit.now} | changes
        if ending is not None:
            changes = (
                changes | ending_fields(ending, unit.now) | {"counts": self.counts.model_dump()}
            )
        result = await unit.database[RUNS].update_one(
            owned_by(self._lease), {"$set": changes}, session=unit.session
        )
        if not result.matched_count:
            self._lease.lost.set()
            raise LeaseLostError(self.run.id)
        if ending is not None:
            row = await unit.database[RUNS].find_one({"_id": self.run.id}, session=unit.session)
            assert row is not None, "it has just been written"
            unit.publish(ending.event(self.run, self.counts, row["started_at"], unit.now))

    async def _save_rejections(
        self, unit: UnitOfWork, rejections: dict[str, Rejection | None]
    ) -> None:
        collection = unit.database[REJECTIONS]
        run_id = self.run.id
        if rejections:
            gone = {"run_id": run_id, "source_id": {"$in": list(rejections)}}
            await collection.delete_many(gone, session=unit.session)
        rows = [
            {
                "run_id": run_id,
                "sync_id": self.run.spec.sync_id,
                "workspace_id": self.run.spec.workspace_id,
                "source_id": each.source_id,
                "reason": each.reason,
                "field": each.field,
                "at": unit.now,
            }
            for each in rejections.values()
            if each is not None
        ]
        if rows:
            await collection.insert_many(rows, session=unit.session)

    async def _stops(self, unit: UnitOfWork) -> dict[str, int]:
        spec = self.run.spec
        ids = (spec.source.connection_id, spec.destination.connection_id)
        return await stored_stops(unit.database, ids, unit.session)
