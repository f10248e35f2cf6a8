"""P10 on the real database: random sequences of ticks, holds, releases, pauses and downtime."""

import random
from collections import Counter
from typing import Any

import pytest
from tablesync.contracts import RunStatus, SyncReleased, SyncRequested, Trigger
from tablesync.scheduler.domain.schedules import Interval
from tablesync.scheduler.domain.syncs import Overlap
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

pytestmark = pytest.mark.integration

STEPS = 40
SYNCS = 3


class Life:
    """Does random things to some syncs, each with its real transaction."""

    def __init__(self, scheduler: Any, pass_time: Any, dice: random.Random) -> None:
        self._scheduler = scheduler
        self._pass_time = pass_time
        self._dice = dice

    async def step(self, syncs: list[Any]) -> None:
        deeds = (
            *(self._downtime, self._tick, self._tick, self._lose, self._reconnect, self._reconnect),
            *(self._job, self._pause, self._resume, self._end_a_run, self._end_a_run),
        )
        await self._dice.choice(deeds)(self._dice.choice(syncs))

    async def _downtime(self, _: Any) -> None:
        await self._pass_time(self._dice.uniform(1, 200))

    async def _tick(self, _: Any) -> None:
        await self._scheduler.ticker.tick()

    async def _lose(self, _: Any) -> None:
        await self._scheduler.lose(self._dice.choice(("con_hubspot", "con_airtable")))

    async def _reconnect(self, _: Any) -> None:
        await self._scheduler.reconnect(self._dice.choice(("con_hubspot", "con_airtable")))

    async def _job(self, _: Any) -> None:
        await self._scheduler.jobs.tick()

    async def _pause(self, sync: Any) -> None:
        await self._operate("pause", sync)

    async def _resume(self, sync: Any) -> None:
        await self._operate("resume", sync)

    async def _operate(self, name: str, sync: Any) -> None:
        operation = getattr(self._scheduler.commands, name)

        async def work(unit: UnitOfWork) -> None:
            await operation(unit, self._scheduler.principal, sync.id)

        await self._scheduler.units.run(work)

    async def _end_a_run(self, sync: Any) -> None:
        runs = await self._scheduler.runs(sync)
        for run in [each for each in runs if not each.status.ended][:1]:
            end = self._dice.choice(("succeed", "fail", "interrupt"))
            await getattr(self._scheduler, end)(run)


@pytest.mark.parametrize("seed", range(6))
async def test_p10_the_stored_ledger_balances_whatever_happens(
    scheduler: Any, pass_time: Any, seed: int
) -> None:
    dice = random.Random(seed)
    syncs = [
        await scheduler.add(
            due_seconds_ago=-20,
            schedule=Interval(every_seconds=dice.choice((7, 60, 61))),
            overlap=dice.choice(tuple(Overlap)),
        )
        for _ in range(SYNCS)
    ]
    life = Life(scheduler, pass_time, dice)
    for _ in range(STEPS):
        await life.step(syncs)
        for sync in syncs:
            assert (await scheduler.ledger(sync)).balanced
    await _check(scheduler, syncs)


async def _check(scheduler: Any, syncs: list[Any]) -> None:
    """Ledger, history and events tell the same story."""
    requests = Counter(each.run_id for each in await scheduler.events(SyncRequested))
    assert set(requests.values()) <= {1}
    released = await scheduler.events(SyncReleased)
    for sync in syncs:
        runs = await scheduler.runs(sync)
        stopped = {RunStatus.INTERRUPTED, RunStatus.HELD}
        served = sum(
            1 + run.coalesced_slots for run in runs if run.slot and run.status not in stopped
        )
        waiting = (await scheduler.sync(sync)).waiting
        statement = await scheduler.ledger(sync)
        assert statement.run + statement.coalesced == served + (waiting.slots if waiting else 0)
        promised = [each.catch_up_run_id for each in released if each.sync_id == sync.id]
        catch_ups = {run.id for run in runs if run.trigger is Trigger.CATCH_UP}
        assert {each for each in promised if each} <= catch_ups
