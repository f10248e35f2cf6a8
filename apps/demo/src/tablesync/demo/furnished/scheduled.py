"""The past as scheduler keeps it: runs, gaps, and the account of each sync's slots."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from tablesync.contracts import Gap
from tablesync.demo.furnished.calendar import WEEKS, Calendar
from tablesync.demo.furnished.databases import Databases, Document
from tablesync.demo.furnished.weeks import catch_up_of, run_id_at, runs_of, slots_before
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync

Told: TypeAlias = Callable[[datetime], datetime]
RUNS, GAPS, SYNCS = "scheduler.runs", "scheduler.gaps", "scheduler.syncs"


@dataclass(frozen=True)
class ScheduledPast:
    """Dates back what was played, and adds what lies between.

    `moved` are the runs that got another id, by the one that they had; `added` the catch-ups for
    which none had been played, by sync.
    """

    databases: Databases
    calendar: Calendar
    lost: str
    moved: dict[str, Run] = field(default_factory=dict)
    added: dict[str, Run] = field(default_factory=dict)

    async def write(self) -> None:
        """Write all of it."""
        await self._move_runs()
        syncs = {each["_id"]: Sync.from_document(each) async for each in self.databases.all(SYNCS)}
        async for document in self.databases.all(GAPS):
            closed = ClosedGap.from_document(document)
            await self._widen(document["_id"], closed, syncs[closed.sync_id])
        for sync in syncs.values():
            await self._fill_weeks(sync)

    async def _move_runs(self) -> None:
        """Date back the runs that have no slot: those that have one stay with it.

        Their ids tell their time, so they get others.
        """
        async for document in self.databases.all(RUNS, {"slot": {"$exists": False}}):
            run = Run.from_document(document)
            if run.ended:
                self.moved[run.id] = _dated(run, self.calendar.told)
        runs = self.databases.collection(RUNS)
        await runs.delete_many({"_id": {"$in": [*self.moved]}}, session=self.databases.session)
        await self.databases.insert(RUNS, [each.to_document() for each in self.moved.values()])

    async def _widen(self, gap_id: object, closed: ClosedGap, sync: Sync) -> None:
        """Have a gap be as long as the outage, with a catch-up if it has missed anything."""
        missed = sum(map(self.calendar.lacks, slots_before(sync)))
        gap = Gap(
            from_=self.calendar.lost_at,
            to=self.calendar.regained_at,
            slots_missed=closed.gap.slots_missed + missed,
            interrupted=closed.gap.interrupted,
        )
        caught_up = self.moved.get(closed.catch_up_run_id or "")
        if caught_up is None and gap.slots_missed:
            caught_up = catch_up_of(sync, gap, self._most(sync))
            await self.databases.insert(RUNS, [caught_up.to_document()])
            self.added[sync.id] = caught_up
        told = closed.model_copy(
            update={
                "gap": gap,
                "hold": _since(closed, self.calendar.told),
                "catch_up_run_id": caught_up.id if caught_up else None,
            }
        ).to_document()
        if caught_up:
            await self.databases.update(RUNS, caught_up.id, {"$set": {"gap": told["gap"]}})
        await self.databases.collection(GAPS).replace_one(
            {"_id": gap_id}, told, session=self.databases.session
        )

    async def _fill_weeks(self, sync: Sync) -> None:
        """Add a sync's runs of those weeks, and account for their slots."""
        slots = slots_before(sync)
        depends = self.lost in sync.connection_ids
        ran = [each for each in slots if not (depends and self.calendar.lacks(each))]
        runs = runs_of(sync, ran, self._most(sync))
        await self.databases.insert(RUNS, [each.to_document() for each in runs])
        last = runs[-1]
        change: Document = {
            "created_at": sync.created_at - WEEKS,
            "anchor": sync.anchor - len(slots) * sync.schedule.length,
            "last_success_at": last.ended_at,
        }
        if sync.last_run_id in self.moved:
            change["last_run_id"] = last.id
        if caught_up := self.added.get(sync.id) or self.moved.get(sync.last_catch_up_id or ""):
            change["last_catch_up_id"] = caught_up.id
            change["last_catch_up_at"] = caught_up.requested_at
        accounts = {"ledger.run": len(ran), "ledger.held": len(slots) - len(ran)}
        await self.databases.update(SYNCS, sync.id, {"$set": change, "$inc": accounts})

    def _most(self, sync: Sync) -> int:
        """Return how many records there are to change: those that its first run has brought."""
        return max(run.counts.read for run in self.moved.values() if run.sync_id == sync.id)


def _dated(run: Run, told: Told) -> Run:
    moments = {name: told(each) for name, each in run if isinstance(each, datetime)}
    return run.model_copy(update={**moments, "id": run_id_at(moments["requested_at"])})


def _since(closed: ClosedGap, told: Told) -> object:
    hold = closed.hold
    return hold and hold.model_copy(update={"since": told(hold.since)})
