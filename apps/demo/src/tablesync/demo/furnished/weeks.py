"""The runs of the weeks before: as scheduler stores those that sync-runner has told of."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tablesync.contracts import Gap, RunCounts, RunStatus, Trigger
from tablesync.demo.furnished.calendar import WEEKS
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync
from tablesync.sync_runner.runs import succeeded
from uuid_utils import uuid7

MOST_CHANGED = 12


def run_id_at(moment: datetime) -> str:
    """Make the id of a run that was asked for then: its time is in it, as in every other."""
    return f"run_{uuid7(nanoseconds=round(moment.timestamp() * 1_000) * 1_000_000)}"


def slots_before(sync: Sync) -> list[datetime]:
    """Return the slots that a sync would have had, had it been made those weeks earlier."""
    count = WEEKS // sync.schedule.length
    return [sync.anchor - number * sync.schedule.length for number in reversed(range(count))]


def runs_of(sync: Sync, slots: list[datetime], most: int) -> list[Run]:
    """Return the run of each slot: they are alike, but for how many records had changed."""
    chance = random.Random(sync.id)  # noqa: S311 - no secret
    runs = _Runs(sync, chance, min(most, MOST_CHANGED))
    return [runs.make(slot, trigger=Trigger.SCHEDULE, slot=slot) for slot in slots]


def catch_up_of(sync: Sync, gap: Gap, most: int) -> Run:
    """Return the catch-up of a closed gap for which none had been played."""
    assert gap.to, "it is closed"
    runs = _Runs(sync, random.Random(sync.id), most)  # noqa: S311 - no secret
    return runs.make(gap.to, trigger=Trigger.CATCH_UP, gap=gap)


@dataclass(frozen=True)
class _Runs:
    """Makes runs of a sync that have gone well."""

    sync: Sync
    chance: random.Random
    most: int

    def make(self, due_at: datetime, **why: Any) -> Run:
        """Return a run that was asked for when it was due, or just after."""
        requested_at = due_at + self._soon(50, 900)
        started_at = requested_at + self._soon(50, 400)
        ended_at = started_at + self._soon(400, 6_000)
        read = self.chance.randint(0, self.most)
        written = self.chance.randint(0, read)
        counts = RunCounts(read=read, written=written, unchanged=read - written)
        return Run(
            id=run_id_at(requested_at),
            workspace_id=self.sync.workspace_id,
            sync_id=self.sync.id,
            connection_ids=self.sync.connection_ids,
            status=RunStatus.SUCCEEDED,
            counts=counts,
            summary=succeeded(counts).summary,
            requested_at=requested_at,
            started_at=started_at,
            ended_at=ended_at,
            checked_at=ended_at,
            **why,
        )

    def _soon(self, least: int, most: int) -> timedelta:
        return timedelta(milliseconds=self.chance.randint(least, most))
