"""What a held sync missed is caught up by one run, whatever came in between."""

from typing import Literal

import pytest
from scheduler_rig import Rig, gap_of
from tablesync.contracts import (
    RunStatus,
    SyncHeld,
    SyncReleased,
    SyncStatus,
    Trigger,
)
from tablesync.contracts.public_api.schedules import Interval

pytestmark = pytest.mark.integration

MINUTE = Interval(every_seconds=60)


async def test_p09_a_release_brings_one_catch_up_for_the_whole_gap(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=-30, schedule=MINUTE)
    await rig.hold()
    (held,) = await rig.events(SyncHeld)
    assert held.gap.slots_missed == 0
    assert held.gap.to is None
    await rig.pass_time(180)
    await rig.ticker.tick()
    await rig.release()
    (run,) = await rig.runs(sync)
    assert run.trigger is Trigger.CATCH_UP
    assert gap_of(run).slots_missed == 3
    (released,) = await rig.events(SyncReleased)
    assert released.catch_up_run_id == run.id
    assert released.gap == run.gap
    assert released.sequence > held.sequence
    (request,) = await rig.requests(sync)
    assert (request.run_id, request.gap) == (run.id, run.gap)
    statement = await rig.ledger(sync)
    assert (statement.due, statement.held, statement.balanced) == (3, 3, True)
    assert statement.gaps[0].slots_missed == 3


async def test_p09_a_repeated_reconnect_brings_no_second_catch_up(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=-30, schedule=MINUTE)
    await rig.hold()
    await rig.pass_time(180)
    event = await rig.release()
    for repeated in (event, event.model_copy(update={"sequence": event.sequence + 1})):
        await rig.handle(repeated)
        await rig.jobs.tick()
    assert len(await rig.requests(sync)) == 1


async def test_p09_nothing_missed_brings_no_catch_up(rig: Rig) -> None:
    sync = await rig.add()
    await rig.hold()
    await rig.release()
    (released,) = await rig.events(SyncReleased)
    assert released.catch_up_run_id is None
    assert await rig.requests(sync) == []
    assert (await rig.sync(sync)).claimable


@pytest.mark.parametrize("outcome", ["interrupted", "held"])
async def test_p09_a_run_that_was_stopped_is_caught_up_and_its_slot_was_held(
    rig: Rig, outcome: Literal["interrupted", "held"]
) -> None:
    sync = await rig.add(due_seconds_ago=0)
    await rig.ticker.tick()
    (run,) = await rig.runs(sync)
    await rig.hold()
    await rig.interrupt(run, outcome)
    await rig.release()
    stopped, catch_up = await rig.runs(sync)
    assert stopped.status == outcome
    assert catch_up.trigger is Trigger.CATCH_UP
    assert gap_of(catch_up).from_ == run.slot
    assert gap_of(catch_up).slots_missed == 1
    statement = await rig.ledger(sync)
    assert (statement.due, statement.run, statement.held) == (1, 0, 1)
    assert statement.balanced


async def test_p09_an_interruption_heard_of_first_is_caught_up_as_well(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=0)
    await rig.ticker.tick()
    (run,) = await rig.runs(sync)
    await rig.interrupt(run)
    assert len(await rig.requests(sync)) == 1
    await rig.hold()
    await rig.release()
    assert len(await rig.catch_ups(sync)) == 1


async def test_p09_an_interruption_heard_of_after_the_release_is_caught_up_once(
    rig: Rig,
) -> None:
    sync = await rig.add(due_seconds_ago=0)
    await rig.ticker.tick()
    (run,) = await rig.runs(sync)
    await rig.hold()
    stopped_at = await rig.now()
    await rig.release()
    assert await rig.catch_ups(sync) == []
    await rig.interrupt(run, ended_at=stopped_at)
    await rig.interrupt(run, ended_at=stopped_at)
    assert len(await rig.catch_ups(sync)) == 1


async def test_p09_a_catch_up_that_was_asked_for_since_covers_a_late_interruption(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=0, schedule=MINUTE)
    await rig.ticker.tick()
    (run,) = await rig.runs(sync)
    await rig.hold()
    await rig.pass_time(90)
    stopped_at = await rig.now()
    await rig.release()
    await rig.interrupt(run, ended_at=stopped_at)
    assert len(await rig.catch_ups(sync)) == 1
    assert (await rig.ledger(sync)).balanced


async def test_p09_a_loss_and_return_before_any_mark_still_catches_up_the_stopped_run(
    rig: Rig,
) -> None:
    sync = await rig.add(due_seconds_ago=0)
    await rig.ticker.tick()
    (run,) = await rig.runs(sync)
    await rig.lose()
    await rig.interrupt(run)
    await rig.reconnect()
    await rig.jobs.tick()
    assert len(await rig.catch_ups(sync)) == 1


async def test_p09_a_second_loss_before_the_catch_up_began_leads_to_one_for_both_gaps(
    rig: Rig,
) -> None:
    slow = rig.beside(jitter_seconds=3600)
    sync = await slow.add(due_seconds_ago=-30, schedule=MINUTE)
    await slow.hold()
    await rig.pass_time(120)
    await slow.release()
    assert await slow.requests(sync) == []
    await slow.hold()
    await rig.pass_time(120)
    await rig.release()
    withdrawn, catch_up = await rig.runs(sync)
    assert withdrawn.status is RunStatus.HELD
    assert gap_of(catch_up).slots_missed == 4
    (request,) = await rig.requests(sync)
    assert request.run_id == catch_up.id
    assert (await rig.ledger(sync)).balanced


async def test_p09_an_interrupted_catch_up_is_caught_up_with_its_own_gap(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=-30, schedule=MINUTE)
    await rig.hold()
    await rig.pass_time(120)
    await rig.release()
    (first,) = await rig.catch_ups(sync)
    await rig.hold()
    await rig.interrupt(first)
    await rig.release()
    _, second = await rig.catch_ups(sync)
    assert gap_of(second).from_ == gap_of(first).from_
    assert gap_of(second).slots_missed == gap_of(first).slots_missed


async def test_a_catch_up_is_shown_with_its_own_release_alone(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=-30, schedule=MINUTE)
    await rig.hold()
    await rig.pass_time(120)
    await rig.release()
    (run,) = await rig.catch_ups(sync)
    await rig.succeed(run)
    (affected,) = await rig.affected(sync)
    assert affected.catch_up
    assert (affected.catch_up.run_id, affected.catch_up.status) == (run.id, "succeeded")
    assert affected.catch_up.counts.written == 10
    assert affected.gap == run.gap
    await rig.hold()
    (affected,) = await rig.affected(sync)
    assert (affected.status, affected.catch_up) == (SyncStatus.HELD, None)
    await rig.release()
    (affected,) = await rig.affected(sync)
    assert (affected.status, affected.catch_up, affected.gap) == (SyncStatus.ACTIVE, None, None)


async def test_jitter_delays_the_request_and_the_ticker_makes_it(rig: Rig) -> None:
    slow = rig.beside(jitter_seconds=3600)
    sync = await slow.add(due_seconds_ago=-30, schedule=MINUTE)
    await slow.hold()
    await rig.pass_time(120)
    await slow.release()
    (run,) = await slow.runs(sync)
    assert run.status is RunStatus.REQUESTED
    await rig.pass_time(3600)
    await rig.ticker.tick()
    (request,) = await slow.requests(sync)
    assert request.run_id == run.id
    assert (await rig.ledger(sync)).balanced
