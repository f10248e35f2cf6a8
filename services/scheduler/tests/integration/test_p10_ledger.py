"""P10 on the real database: random sequences of ticks, holds, releases, pauses and downtime."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from scheduler_examples import AIRTABLE, HUBSPOT
from scheduler_rig import Rig
from tablesync.contracts import Overlap, RunStatus, SyncReleased, SyncRequested, Trigger
from tablesync.contracts.public_api.schedules import Interval
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.scheduler.domain.syncs import Sync
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

pytestmark = pytest.mark.integration

Command = Callable[[UnitOfWork, Principal, str], Awaitable[SyncView]]
STEPS = 40
SYNCS = 3


class Life:
    """Does random things to some syncs, each with its real transaction."""

    def __init__(self, rig: Rig, dice: random.Random) -> None:
        self._rig = rig
        self._dice = dice

    async def step(self, syncs: list[Sync]) -> None:
        deeds = (
            *(self._downtime, self._tick, self._tick, self._lose, self._reconnect, self._reconnect),
            *(self._job, self._pause, self._resume, self._end_a_run, self._end_a_run),
        )
        await self._dice.choice(deeds)(self._dice.choice(syncs))

    async def _downtime(self, _: Sync) -> None:
        await self._rig.pass_time(self._dice.uniform(1, 200))

    async def _tick(self, _: Sync) -> None:
        await self._rig.ticker.tick()

    async def _lose(self, _: Sync) -> None:
        await self._rig.lose(self._dice.choice((HUBSPOT, AIRTABLE)))

    async def _reconnect(self, _: Sync) -> None:
        await self._rig.reconnect(self._dice.choice((HUBSPOT, AIRTABLE)))

    async def _job(self, _: Sync) -> None:
        await self._rig.jobs.tick()

    async def _pause(self, sync: Sync) -> None:
        await self._command(self._rig.commands.pause, sync)

    async def _resume(self, sync: Sync) -> None:
        await self._command(self._rig.commands.resume, sync)

    async def _command(self, command: Command, sync: Sync) -> None:
        await self._rig.units.run(lambda unit: command(unit, self._rig.principal, sync.id))

    async def _end_a_run(self, sync: Sync) -> None:
        runs = await self._rig.runs(sync)
        for run in [each for each in runs if not each.status.ended][:1]:
            ends = (self._rig.succeed, self._rig.fail, self._rig.interrupt)
            await self._dice.choice(ends)(run)


@pytest.mark.parametrize("seed", range(6))
async def test_p10_the_stored_ledger_balances_whatever_happens(rig: Rig, seed: int) -> None:
    dice = random.Random(seed)
    syncs = [
        await rig.add(
            due_seconds_ago=-20,
            schedule=Interval(every_seconds=dice.choice((7, 60, 61))),
            overlap=dice.choice(tuple(Overlap)),
        )
        for _ in range(SYNCS)
    ]
    life = Life(rig, dice)
    for _ in range(STEPS):
        await life.step(syncs)
        for sync in syncs:
            assert (await rig.ledger(sync)).agrees
    await rig.ticker.tick()
    for sync in syncs:
        assert (await rig.ledger(sync)).balanced
    await _check(rig, syncs)


async def _check(rig: Rig, syncs: list[Sync]) -> None:
    """Ledger, history and events tell the same story."""
    requests = Counter(each.run_id for each in await rig.events(SyncRequested))
    assert set(requests.values()) <= {1}
    released = await rig.events(SyncReleased)
    for sync in syncs:
        runs = await rig.runs(sync)
        stopped = {RunStatus.INTERRUPTED, RunStatus.HELD}
        served = sum(
            1 + run.coalesced_slots for run in runs if run.slot and run.status not in stopped
        )
        waiting = (await rig.sync(sync)).waiting
        statement = await rig.ledger(sync)
        assert statement.run + statement.coalesced == served + (waiting.slots if waiting else 0)
        promised = [each.catch_up_run_id for each in released if each.sync_id == sync.id]
        catch_ups = {run.id for run in runs if run.trigger is Trigger.CATCH_UP}
        assert {each for each in promised if each} <= catch_ups
