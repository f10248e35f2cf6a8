"""A run that nobody knows of is presumed lost; what is heard of it later counts after all."""

from typing import Literal

import pytest
from fastapi.responses import JSONResponse
from scheduler_rig import Rig, gap_of
from tablesync.contracts import (
    HoldKind,
    RunFailureCause,
    RunStatus,
    Trigger,
)
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.loops.reconciliation import LOST_AFTER, OVERDUE_SECONDS, Reconciliation
from tablesync.test_kit.stand_ins import SyncRunnerStandIn

pytestmark = pytest.mark.integration


async def ask_in_vain(rig: Rig, reconciliation: Reconciliation, times: int = LOST_AFTER) -> None:
    """Let the runner be asked so often about runs that it does not know."""
    for _ in range(times):
        await rig.pass_time(OVERDUE_SECONDS + 1)
        await reconciliation.runs()


async def presume_lost(rig: Rig, reconciliation: Reconciliation, sync: Sync) -> Run:
    """Have a run of a due sync sent, and presumed lost."""
    await rig.ticker.tick()
    await rig.sent()
    await ask_in_vain(rig, reconciliation)
    run = (await rig.runs(sync))[0]
    assert (run.status, run.presumed) == (RunStatus.FAILED, True)
    return run


async def test_a_run_that_nobody_knows_of_is_presumed_lost_until_it_is_heard_of(
    rig: Rig, reconciliation: Reconciliation
) -> None:
    sync, run = await rig.requested()
    await rig.sent()
    await ask_in_vain(rig, reconciliation, LOST_AFTER - 1)
    assert (await rig.runs(sync))[0].status is RunStatus.REQUESTED
    await ask_in_vain(rig, reconciliation, 1)
    (lost,) = await rig.runs(sync)
    assert (lost.status, lost.cause) == (RunStatus.FAILED, "internal")
    assert (await rig.sync(sync)).active_runs == []
    await rig.succeed(run)
    assert (await rig.runs(sync))[0].status is RunStatus.SUCCEEDED
    assert (await rig.ledger(sync)).balanced


async def test_a_run_whose_request_waits_in_the_outbox_is_not_presumed_lost(
    rig: Rig, reconciliation: Reconciliation
) -> None:
    """Kafka is away; once it is back, the runner gets all the time to read the request."""
    sync, _ = await rig.requested()
    await ask_in_vain(rig, reconciliation)
    await rig.sent()
    await ask_in_vain(rig, reconciliation, LOST_AFTER - 1)
    (run,) = await rig.runs(sync)
    assert run.status is RunStatus.REQUESTED
    assert len(await rig.requests(sync)) == 1


async def test_a_run_that_is_told_of_unreadably_is_not_presumed_lost(
    rig: Rig, reconciliation: Reconciliation, sync_runner: SyncRunnerStandIn
) -> None:
    """A sync-runner of a later version may know a status that this scheduler does not."""
    sync, run = await rig.requested()
    await rig.sent()
    unreadable = {"items": [{"run_id": run.id, "status": "dreaming"}]}
    sync_runner.answer_with("/runs", *(JSONResponse(unreadable) for _ in range(LOST_AFTER)))
    await ask_in_vain(rig, reconciliation)
    assert (await rig.runs(sync))[0].status is RunStatus.REQUESTED


async def test_a_catch_up_that_waits_for_its_place_is_not_presumed_lost(
    rig: Rig, reconciliation: Reconciliation
) -> None:
    slow = rig.beside(jitter_seconds=3600)
    sync = await slow.add(due_seconds_ago=1)
    await slow.hold()
    await slow.release()
    await rig.sent()
    await ask_in_vain(rig, reconciliation)
    (run,) = await rig.runs(sync)
    assert (run.trigger, run.status) == (Trigger.CATCH_UP, RunStatus.REQUESTED)


@pytest.mark.parametrize("outcome", ["interrupted", "held"])
async def test_p10_a_run_presumed_lost_that_was_stopped_is_held_and_caught_up_once(
    rig: Rig, reconciliation: Reconciliation, outcome: Literal["interrupted", "held"]
) -> None:
    """Another run has been asked for meanwhile; it is stopped as well."""
    sync = await rig.add(due_seconds_ago=0, schedule=Interval(every_seconds=900))
    run = await presume_lost(rig, reconciliation, sync)
    await rig.ticker.tick()
    _, follow_up = await rig.runs(sync)
    await rig.hold()
    for _ in range(2):
        await rig.interrupt(run, outcome)
        await rig.interrupt(follow_up, outcome)
    statement = await rig.ledger(sync)
    assert (statement.due, statement.held, statement.balanced) == (2, 2, True)
    await rig.release()
    (catch_up,) = await rig.catch_ups(sync)
    assert gap_of(catch_up).from_ == run.slot
    assert gap_of(catch_up).slots_missed == 2


async def test_p10_a_run_presumed_lost_is_caught_up_though_its_end_is_heard_of_after_the_release(
    rig: Rig, reconciliation: Reconciliation
) -> None:
    sync = await rig.add(due_seconds_ago=0)
    run = await presume_lost(rig, reconciliation, sync)
    await rig.hold()
    stopped_at = await rig.now()
    await rig.release()
    assert await rig.catch_ups(sync) == []
    for _ in range(2):
        await rig.interrupt(run, "held", ended_at=stopped_at)
    (catch_up,) = await rig.catch_ups(sync)
    assert gap_of(catch_up).from_ == run.slot
    statement = await rig.ledger(sync)
    assert (statement.due, statement.held, statement.balanced) == (1, 1, True)


async def test_p10_a_catch_up_asked_for_since_covers_a_run_presumed_lost(
    rig: Rig, reconciliation: Reconciliation
) -> None:
    sync = await rig.add(due_seconds_ago=0)
    run = await presume_lost(rig, reconciliation, sync)
    await rig.hold()
    await rig.pass_time(3600)
    stopped_at = await rig.now()
    await rig.release()
    await rig.interrupt(run, "held", ended_at=stopped_at)
    assert len(await rig.catch_ups(sync)) == 1
    statement = await rig.ledger(sync)
    assert (statement.due, statement.held, statement.balanced) == (2, 2, True)


async def test_p10_a_run_presumed_lost_that_nothing_holds_is_caught_up_by_the_reconciliation(
    rig: Rig, reconciliation: Reconciliation
) -> None:
    sync = await rig.add(due_seconds_ago=0)
    run = await presume_lost(rig, reconciliation, sync)
    await rig.interrupt(run)
    assert await rig.catch_ups(sync) == []
    await reconciliation.connections()
    await reconciliation.connections()
    assert len(await rig.catch_ups(sync)) == 1
    assert (await rig.ledger(sync)).balanced


async def test_a_run_presumed_lost_that_lacks_an_object_holds_its_sync(
    rig: Rig, reconciliation: Reconciliation
) -> None:
    sync = await rig.add(due_seconds_ago=0)
    run = await presume_lost(rig, reconciliation, sync)
    await rig.fail(run, RunFailureCause.RESOURCE)
    assert (await rig.hold_of(sync)).kind is HoldKind.RESOURCE
    missed = (await rig.sync(sync)).missed
    assert missed
    assert missed.slots == 1
    assert await rig.recheck_at(sync) > await rig.now()
    assert (await rig.ledger(sync)).held == 1
