"""Holding and releasing: at once for claims, then sync by sync, with one catch-up each."""

from typing import Any

import pytest
from tablesync.contracts import (
    ConnectionReconnected,
    HoldKind,
    RunFailureCause,
    RunStatus,
    SyncHeld,
    SyncReleased,
    SyncRequested,
    SyncStatus,
    Trigger,
)
from tablesync.scheduler.api.views import SyncEdit
from tablesync.scheduler.domain.schedules import Interval
from tablesync.scheduler.loops import hold_jobs

pytestmark = pytest.mark.integration

MINUTE = Interval(every_seconds=60)
HUBSPOT, AIRTABLE = "con_hubspot", "con_airtable"


async def lose(scheduler: Any, connection_id: str = HUBSPOT) -> None:
    await scheduler.lose(connection_id)
    await scheduler.jobs.tick()


async def reconnect(scheduler: Any, connection_id: str = HUBSPOT) -> Any:
    event = await scheduler.reconnect(connection_id)
    await scheduler.jobs.tick()
    return event


async def edit(scheduler: Any, sync: Any, **changes: Any) -> None:
    wanted = SyncEdit(**changes)
    await scheduler.units.run(
        lambda unit: scheduler.commands.edit(
            unit, scheduler.principal, sync.id, wanted, checked=False
        )
    )


async def catch_ups(scheduler: Any, sync: Any) -> list[Any]:
    runs = await scheduler.runs(sync)
    return [run for run in runs if run.trigger is Trigger.CATCH_UP]


async def test_p08_nothing_is_claimed_once_the_connection_is_held(scheduler: Any) -> None:
    sync = await scheduler.add(due_seconds_ago=1)
    await scheduler.lose()
    await scheduler.ticker.tick()
    assert await scheduler.requests(sync) == []
    assert (await scheduler.sync(sync)).status is SyncStatus.HELD


async def test_p08_a_run_that_ends_asks_for_none_once_the_connection_is_held(
    scheduler: Any, pass_time: Any
) -> None:
    """A slot waited for it; the job that marks the syncs has not come by yet."""
    sync = await scheduler.add(due_seconds_ago=0, schedule=MINUTE)
    await scheduler.ticker.tick()
    (run,) = await scheduler.runs(sync)
    await pass_time(60)
    await scheduler.ticker.tick()
    await scheduler.lose()
    await scheduler.succeed(run)
    assert len(await scheduler.requests(sync)) == 1
    assert (await scheduler.sync(sync)).status is SyncStatus.HELD
    await scheduler.jobs.tick()
    assert len(await scheduler.events(SyncHeld)) == 1
    statement = await scheduler.ledger(sync)
    assert (statement.run, statement.held, statement.balanced) == (1, 1, True)


async def test_p08_an_edited_schedule_asks_for_no_run_once_the_connection_is_held(
    scheduler: Any,
) -> None:
    sync = await scheduler.add(due_seconds_ago=1)
    await scheduler.lose()
    await edit(scheduler, sync, schedule=MINUTE)
    assert await scheduler.requests(sync) == []
    await scheduler.jobs.tick()
    assert len(await scheduler.events(SyncHeld)) == 1
    statement = await scheduler.ledger(sync)
    assert (statement.due, statement.held, statement.balanced) == (1, 1, True)


async def test_p08_a_cancelled_catch_up_makes_room_for_no_run_once_the_connection_is_held(
    scheduler: Any, new_scheduler: Any, pass_time: Any
) -> None:
    slow = new_scheduler(scheduler.database, jitter_seconds=3600)
    sync = await slow.add(due_seconds_ago=-30, schedule=MINUTE)
    await lose(slow)
    await pass_time(120)
    await reconnect(slow)
    (planned,) = await slow.runs(sync)
    await pass_time(60)
    await slow.lose()
    await slow.units.run(lambda unit: slow.commands.cancel(unit, slow.principal, planned.id))
    assert await slow.requests(sync) == []
    assert (await slow.sync(sync)).status is SyncStatus.HELD
    assert (await slow.ledger(sync)).balanced


async def test_p08_a_release_waits_for_the_other_connection_lost_meanwhile(
    scheduler: Any, pass_time: Any
) -> None:
    sync = await scheduler.add(due_seconds_ago=-30, schedule=MINUTE)
    await lose(scheduler, HUBSPOT)
    await pass_time(120)
    await scheduler.reconnect(HUBSPOT)
    await scheduler.lose(AIRTABLE)
    await scheduler.jobs.work_chunk(HUBSPOT)
    assert (await scheduler.sync(sync)).hold.connection_id == AIRTABLE
    assert await scheduler.requests(sync) == []
    await scheduler.jobs.tick()
    await reconnect(scheduler, AIRTABLE)
    assert len(await catch_ups(scheduler, sync)) == 1
    assert (await scheduler.ledger(sync)).balanced


async def test_a_hold_is_seen_before_the_job_has_marked_anything(scheduler: Any) -> None:
    sync = await scheduler.add()
    await scheduler.lose()
    seen = await scheduler.queries.sync(sync.workspace_id, sync.id)
    assert seen.hold.kind is HoldKind.CONNECTION
    assert seen.hold.cause == "app_uninstalled"
    (affected,) = await scheduler.queries.affected(sync.workspace_id, HUBSPOT)
    assert affected.status is SyncStatus.HELD


async def test_p09_a_release_brings_one_catch_up_for_the_whole_gap(
    scheduler: Any, pass_time: Any
) -> None:
    sync = await scheduler.add(due_seconds_ago=-30, schedule=MINUTE)
    await lose(scheduler)
    (held,) = await scheduler.events(SyncHeld)
    assert held.gap.slots_missed == 0
    assert held.gap.to is None
    await pass_time(180)
    await scheduler.ticker.tick()
    await reconnect(scheduler)
    (run,) = await scheduler.runs(sync)
    assert run.trigger is Trigger.CATCH_UP
    assert run.gap.slots_missed == 3
    (released,) = await scheduler.events(SyncReleased)
    assert released.catch_up_run_id == run.id
    assert released.gap == run.gap
    assert released.sequence > held.sequence
    (request,) = await scheduler.requests(sync)
    assert (request.run_id, request.gap) == (run.id, run.gap)
    statement = await scheduler.ledger(sync)
    assert (statement.due, statement.held, statement.balanced) == (3, 3, True)
    assert statement.gaps[0].slots_missed == 3


async def test_p09_a_repeated_reconnect_brings_no_second_catch_up(
    scheduler: Any, pass_time: Any
) -> None:
    sync = await scheduler.add(due_seconds_ago=-30, schedule=MINUTE)
    await lose(scheduler)
    await pass_time(180)
    event = await reconnect(scheduler)
    for repeated in (event, event.model_copy(update={"sequence": event.sequence + 1})):
        await scheduler.handle(repeated)
        await scheduler.jobs.tick()
    assert len(await scheduler.requests(sync)) == 1


async def test_p09_nothing_missed_brings_no_catch_up(scheduler: Any) -> None:
    sync = await scheduler.add()
    await lose(scheduler)
    await reconnect(scheduler)
    (released,) = await scheduler.events(SyncReleased)
    assert released.catch_up_run_id is None
    assert await scheduler.requests(sync) == []
    assert (await scheduler.sync(sync)).claimable


@pytest.mark.parametrize("outcome", ["interrupted", "held"])
async def test_p09_a_run_that_was_stopped_is_caught_up_and_its_slot_was_held(
    scheduler: Any, outcome: str
) -> None:
    sync = await scheduler.add(due_seconds_ago=0)
    await scheduler.ticker.tick()
    (run,) = await scheduler.runs(sync)
    await lose(scheduler)
    await scheduler.interrupt(run, outcome)
    await reconnect(scheduler)
    stopped, catch_up = await scheduler.runs(sync)
    assert stopped.status == outcome
    assert catch_up.trigger is Trigger.CATCH_UP
    assert catch_up.gap.from_ == run.slot
    assert catch_up.gap.slots_missed == 1
    statement = await scheduler.ledger(sync)
    assert (statement.due, statement.run, statement.held) == (1, 0, 1)
    assert statement.balanced


async def test_p09_an_interruption_heard_of_first_is_caught_up_as_well(scheduler: Any) -> None:
    sync = await scheduler.add(due_seconds_ago=0)
    await scheduler.ticker.tick()
    (run,) = await scheduler.runs(sync)
    await scheduler.interrupt(run)
    assert len(await scheduler.requests(sync)) == 1
    await lose(scheduler)
    await reconnect(scheduler)
    assert len(await catch_ups(scheduler, sync)) == 1


async def test_p09_an_interruption_heard_of_after_the_release_is_caught_up_once(
    scheduler: Any,
) -> None:
    sync = await scheduler.add(due_seconds_ago=0)
    await scheduler.ticker.tick()
    (run,) = await scheduler.runs(sync)
    await lose(scheduler)
    stopped_at = await scheduler.now()
    await reconnect(scheduler)
    assert await catch_ups(scheduler, sync) == []
    await scheduler.interrupt(run, ended_at=stopped_at)
    await scheduler.interrupt(run, ended_at=stopped_at)
    assert len(await catch_ups(scheduler, sync)) == 1


async def test_p09_a_catch_up_that_was_asked_for_since_covers_a_late_interruption(
    scheduler: Any, pass_time: Any
) -> None:
    sync = await scheduler.add(due_seconds_ago=0, schedule=MINUTE)
    await scheduler.ticker.tick()
    (run,) = await scheduler.runs(sync)
    await lose(scheduler)
    await pass_time(90)
    stopped_at = await scheduler.now()
    await reconnect(scheduler)
    await scheduler.interrupt(run, ended_at=stopped_at)
    assert len(await catch_ups(scheduler, sync)) == 1
    assert (await scheduler.ledger(sync)).balanced


async def test_p09_a_loss_and_return_before_any_mark_still_catches_up_the_stopped_run(
    scheduler: Any,
) -> None:
    sync = await scheduler.add(due_seconds_ago=0)
    await scheduler.ticker.tick()
    (run,) = await scheduler.runs(sync)
    await scheduler.lose()
    await scheduler.interrupt(run)
    await scheduler.reconnect()
    await scheduler.jobs.tick()
    assert len(await catch_ups(scheduler, sync)) == 1


async def test_p09_a_second_loss_before_the_catch_up_began_leads_to_one_for_both_gaps(
    scheduler: Any, new_scheduler: Any, pass_time: Any
) -> None:
    slow = new_scheduler(scheduler.database, jitter_seconds=3600)
    sync = await slow.add(due_seconds_ago=-30, schedule=MINUTE)
    await lose(slow)
    await pass_time(120)
    await reconnect(slow)
    assert await slow.requests(sync) == []
    await lose(slow)
    await pass_time(120)
    await reconnect(scheduler)
    withdrawn, catch_up = await scheduler.runs(sync)
    assert withdrawn.status is RunStatus.HELD
    assert catch_up.gap.slots_missed == 4
    (request,) = await scheduler.requests(sync)
    assert request.run_id == catch_up.id
    assert (await scheduler.ledger(sync)).balanced


async def test_p09_an_interrupted_catch_up_is_caught_up_with_its_own_gap(
    scheduler: Any, pass_time: Any
) -> None:
    sync = await scheduler.add(due_seconds_ago=-30, schedule=MINUTE)
    await lose(scheduler)
    await pass_time(120)
    await reconnect(scheduler)
    (first,) = await catch_ups(scheduler, sync)
    await lose(scheduler)
    await scheduler.interrupt(first)
    await reconnect(scheduler)
    _, second = await catch_ups(scheduler, sync)
    assert second.gap.from_ == first.gap.from_
    assert second.gap.slots_missed == first.gap.slots_missed


async def test_a_catch_up_is_shown_with_its_own_release_alone(
    scheduler: Any, pass_time: Any
) -> None:
    sync = await scheduler.add(due_seconds_ago=-30, schedule=MINUTE)
    await lose(scheduler)
    await pass_time(120)
    await reconnect(scheduler)
    (run,) = await catch_ups(scheduler, sync)
    await scheduler.succeed(run)
    (affected,) = await scheduler.queries.affected(sync.workspace_id, HUBSPOT)
    assert (affected.catch_up.run_id, affected.catch_up.status) == (run.id, "succeeded")
    assert affected.catch_up.counts.written == 10
    assert affected.gap == run.gap
    await lose(scheduler)
    (affected,) = await scheduler.queries.affected(sync.workspace_id, HUBSPOT)
    assert (affected.status, affected.catch_up) == (SyncStatus.HELD, None)
    await reconnect(scheduler)
    (affected,) = await scheduler.queries.affected(sync.workspace_id, HUBSPOT)
    assert (affected.status, affected.catch_up, affected.gap) == (SyncStatus.ACTIVE, None, None)


async def test_jitter_delays_the_request_and_the_ticker_makes_it(
    scheduler: Any, new_scheduler: Any, pass_time: Any
) -> None:
    slow = new_scheduler(scheduler.database, jitter_seconds=3600)
    sync = await slow.add(due_seconds_ago=-30, schedule=MINUTE)
    await lose(slow)
    await pass_time(120)
    await reconnect(slow)
    (run,) = await slow.runs(sync)
    assert run.status is RunStatus.REQUESTED
    await pass_time(3600)
    await scheduler.ticker.tick()
    (request,) = await slow.requests(sync)
    assert request.run_id == run.id
    assert (await scheduler.ledger(sync)).balanced


async def test_a_sync_waits_for_both_of_its_connections(scheduler: Any, pass_time: Any) -> None:
    sync = await scheduler.add(due_seconds_ago=-30, schedule=MINUTE)
    await lose(scheduler, HUBSPOT)
    await lose(scheduler, AIRTABLE)
    await pass_time(120)
    await reconnect(scheduler, HUBSPOT)
    assert (await scheduler.sync(sync)).hold.connection_id == AIRTABLE
    assert await scheduler.requests(sync) == []
    await reconnect(scheduler, AIRTABLE)
    assert len(await scheduler.requests(sync)) == 1
    assert len(await scheduler.events(SyncReleased)) == 1


async def test_p07_a_reconnect_changes_nothing_but_the_hold(scheduler: Any, pass_time: Any) -> None:
    sync = await scheduler.add(due_seconds_ago=0, schedule=MINUTE)
    paused = await scheduler.add(due_seconds_ago=-30, schedule=MINUTE, paused=True)
    await scheduler.ticker.tick()
    (run,) = await scheduler.runs(sync)
    await scheduler.succeed(run)
    kept = {"id", "name", "version", "source", "destination", "key", "mapping", "schedule",
            "overlap", "owner_id", "paused"}  # fmt: skip
    before = [(await scheduler.sync(each)).model_dump(include=kept) for each in (sync, paused)]
    history = await scheduler.runs(sync)
    await lose(scheduler)
    await pass_time(180)
    await reconnect(scheduler)
    after = [(await scheduler.sync(each)).model_dump(include=kept) for each in (sync, paused)]
    assert after == before
    assert [each.id for each in await scheduler.runs(sync)][: len(history)] == [run.id]
    assert await scheduler.requests(paused) == []
    assert (await scheduler.sync(paused)).status is SyncStatus.PAUSED
    statement = await scheduler.ledger(paused)
    assert (statement.paused, statement.held, statement.balanced) == (3, 0, True)


async def test_an_older_state_never_wins(scheduler: Any) -> None:
    sync = await scheduler.add()
    lost = await scheduler.lose()
    await scheduler.jobs.tick()
    older = {"sequence": lost.sequence - 1, "status": "connected", "cause": None}
    await scheduler.handle(ConnectionReconnected(**lost.model_dump() | older))
    await scheduler.jobs.tick()
    assert (await scheduler.sync(sync)).status is SyncStatus.HELD


async def test_a_job_goes_on_in_another_process_and_marks_each_sync_once(
    scheduler: Any, new_scheduler: Any, add_many: Any
) -> None:
    count = 2 * hold_jobs.CHUNK + 200
    await add_many(count, due_seconds_ago=-3600)
    await scheduler.lose()
    await scheduler.jobs.work_chunk(HUBSPOT)
    assert len(await scheduler.events(SyncHeld)) == hold_jobs.CHUNK
    await new_scheduler(scheduler.database).jobs.tick()
    held = await scheduler.events(SyncHeld)
    assert len({each.sync_id for each in held}) == len(held) == count
    await scheduler.reconnect()
    await scheduler.jobs.work_chunk(HUBSPOT)
    await new_scheduler(scheduler.database).jobs.tick()
    released = await scheduler.events(SyncReleased)
    assert len({each.sync_id for each in released}) == len(released) == count
    assert await scheduler.events(SyncRequested) == []


async def test_a_state_that_changes_while_the_job_runs_decides_for_every_sync(
    scheduler: Any, add_many: Any
) -> None:
    await add_many(hold_jobs.CHUNK + 100, due_seconds_ago=-3600)
    await scheduler.lose()
    await scheduler.jobs.work_chunk(HUBSPOT)
    await reconnect(scheduler)
    left = await scheduler.database["syncs"].count_documents({"claimable": {"$ne": True}})
    assert left == 0


@pytest.mark.parametrize("cause", [RunFailureCause.RESOURCE, RunFailureCause.MAPPING])
async def test_what_is_missing_holds_the_sync_alone(scheduler: Any, cause: Any) -> None:
    sync, other = await scheduler.add(due_seconds_ago=0), await scheduler.add()
    await scheduler.ticker.tick()
    (run,) = await scheduler.runs(sync)
    await scheduler.fail(run, cause)
    held = await scheduler.sync(sync)
    assert held.hold.kind == cause
    assert held.hold.cause == "It failed."
    assert held.recheck_at > await scheduler.now()
    assert (await scheduler.sync(other)).claimable
    assert (await scheduler.ledger(sync)).held == 1
    await lose(scheduler)
    await reconnect(scheduler)
    assert (await scheduler.sync(sync)).recheck_at <= await scheduler.now()
    assert not (await scheduler.sync(sync)).claimable
