"""Rechecks: many held syncs are looked at side by side, and what hangs or fails stops no other."""

import asyncio
from datetime import timedelta

import pytest
from scheduler_examples import HUBSPOT, a_sync
from scheduler_rig import HOUR, Rig
from tablesync.contracts import Hold, HoldKind, Provider, RunFailureCause, Source
from tablesync.contracts.public_api.syncs import NewMapping, SyncEdit
from tablesync.scheduler.checks import CheckedContents
from tablesync.scheduler.domain import holds
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.loops import rechecks as looks
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.test_kit import eventually
from tablesync.test_kit.stand_ins import SyncRunnerStandIn

pytestmark = pytest.mark.integration

MANY = 60
COMPANIES = Source(connection_id=HUBSPOT, provider=Provider.HUBSPOT, object="companies")


async def held(rig: Rig, count: int, **changes: object) -> list[Sync]:
    """Store syncs that are held for their contents, each due for another look."""
    now = await rig.now()
    why = Hold(kind=HoldKind.RESOURCE, cause="The table is gone.", since=now)
    syncs = [a_sync(HOUR, now, **changes) for _ in range(count)]
    for each in syncs:
        holds.hold(each, why, now, Changes())
        each.recheck_at = now
    await rig.database["syncs"].insert_many([each.to_document() for each in syncs])
    return syncs


async def test_p29_a_look_that_hangs_keeps_no_other_sync_waiting(
    rig: Rig, rechecks: Rechecks, sync_runner: SyncRunnerStandIn
) -> None:
    (slow,) = await held(rig, 1, source=COMPANIES, mapping=())
    others = await held(rig, MANY)

    async def only_the_slow_one_waits() -> bool:
        waiting = await rig.database["syncs"].distinct("_id", {"holds": {"$ne": []}})
        return waiting == [slow.id]

    with sync_runner.hanging("/companies/"):
        tick = asyncio.create_task(rechecks.tick())
        await eventually(only_the_slow_one_waits)
    await tick
    assert not (await rig.sync(slow)).holds
    assert not any([(await rig.sync(each)).holds for each in others])


async def test_many_looks_are_taken_side_by_side_but_not_all_at_once(
    rig: Rig, rechecks: Rechecks, sync_runner: SyncRunnerStandIn
) -> None:
    await held(rig, MANY)
    with sync_runner.hanging("/catalog/"):
        tick = asyncio.create_task(rechecks.tick())
        await eventually(lambda: sync_runner.most_at_once == looks.AT_ONCE)
    await tick
    assert await rig.database["syncs"].count_documents({"holds": {"$ne": []}}) == 0
    assert sync_runner.most_at_once == looks.AT_ONCE


async def test_p29_what_hangs_for_good_is_looked_at_another_time(
    rig: Rig, rechecks: Rechecks, sync_runner: SyncRunnerStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "LOOK_SECONDS", 0.5)
    (slow,) = await held(rig, 1, source=COMPANIES, mapping=())
    with sync_runner.hanging("/companies/"):
        await rechecks.tick()
    assert (await rig.sync(slow)).holds
    assert await rig.recheck_at(slow) > await rig.now()


async def test_what_is_tried_in_vain_is_tried_less_often(rig: Rig, rechecks: Rechecks) -> None:
    """A full table shows in no catalogue: only runs can tell, which cost requests."""
    sync, run = await rig.requested()
    waits = []
    for _ in range(10):
        await rig.fail(run, RunFailureCause.RESOURCE)
        wait = await rig.recheck_at(sync) - await rig.now()
        waits.append(round(wait / timedelta(minutes=15)))
        await rig.recheck_now(sync)
        await rechecks.tick()
        await rig.ticker.tick()
        assert not (await rig.sync(sync)).holds, "a look finds nothing wrong"
        run = (await rig.catch_ups(sync))[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 96, 96, 96]
    await rig.succeed(run)
    assert (await rig.sync(sync)).tries_in_vain == 0


async def test_a_saved_mapping_begins_the_tries_anew(rig: Rig, rechecks: Rechecks) -> None:
    sync, run = await rig.requested()
    await rig.fail(run, RunFailureCause.RESOURCE)
    await rig.recheck_now(sync)
    await rechecks.tick()
    (run,) = await rig.catch_ups(sync)
    await rig.fail(run, RunFailureCause.RESOURCE)
    assert (await rig.sync(sync)).tries_in_vain == 1
    edit = SyncEdit(mapping=[NewMapping(source="email", field_id="fldEmail000000001")])
    well = CheckedContents([])
    await rig.units.run(lambda unit: rig.commands.edit(unit, rig.principal, sync.id, edit, well))
    edited = await rig.sync(sync)
    assert (edited.holds, edited.tries_in_vain) == ([], 0)
