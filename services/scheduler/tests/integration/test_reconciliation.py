"""Events make it fast, reconciliation makes it certain."""

from typing import Any

import pytest
from scheduler_examples import AIRTABLE, HUBSPOT, WORKSPACE, a_state
from scheduler_rig import Rig
from tablesync.contracts import (
    ConnectionReconnected,
    ConnectionRevoked,
    RunCounts,
    RunFailureCause,
    RunStatus,
    SyncReleased,
    SyncStatus,
    Trigger,
)
from tablesync.contracts.internal_api import RunState
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.known_states import KnownStates
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.scheduler.loops.reconciliation import OVERDUE_SECONDS, Reconciliation
from tablesync.test_kit.stand_ins import AuthServiceStandIn, SyncRunnerStandIn, run_state

pytestmark = pytest.mark.integration

# The year 2100, in unix milliseconds.
FUTURE = 4_102_444_800_000


def told(run: Run, status: RunStatus, **changes: Any) -> RunState:
    """Make what sync-runner tells of a run."""
    about = run.model_dump(include={"sync_id", "workspace_id", "trigger"})
    return run_state(run.id, **about, status=status, **changes)


async def test_a_state_whose_event_was_lost_is_taken_over(
    rig: Rig, reconciliation: Reconciliation, auth_service: AuthServiceStandIn
) -> None:
    sync = await rig.add()
    auth_service.know(a_state(ConnectionRevoked, 5))
    await reconciliation.connections()
    await rig.jobs.tick()
    assert (await rig.sync(sync)).status is SyncStatus.HELD
    auth_service.know(a_state(ConnectionReconnected, 6))
    await reconciliation.connections()
    await rig.jobs.tick()
    assert (await rig.sync(sync)).status is SyncStatus.ACTIVE


async def test_p29_a_state_from_the_future_hides_no_reconnect_whose_event_was_lost(
    rig: Rig, states: KnownStates, auth_service: AuthServiceStandIn
) -> None:
    auth_service.know(a_state(ConnectionRevoked, 5))
    auth_service.know(a_state(ConnectionReconnected, FUTURE, AIRTABLE))
    await states.refresh()
    auth_service.know(a_state(ConnectionReconnected, 6))
    known = await states.get(WORKSPACE, HUBSPOT)
    assert known
    assert not known.held


async def test_an_older_state_told_is_passed_over(rig: Rig, reconciliation: Reconciliation) -> None:
    sync = await rig.add()
    await rig.hold()
    await reconciliation.connections()
    await rig.jobs.tick()
    assert (await rig.sync(sync)).status is SyncStatus.HELD


async def test_a_stopped_run_of_a_sync_that_nothing_holds_is_caught_up(
    rig: Rig, reconciliation: Reconciliation
) -> None:
    sync, run = await rig.requested()
    await rig.interrupt(run)
    await reconciliation.connections()
    await reconciliation.connections()
    triggers = [each.trigger for each in await rig.runs(sync)]
    assert triggers == [Trigger.SCHEDULE, Trigger.CATCH_UP]


async def test_an_end_whose_event_was_lost_is_asked_for(
    rig: Rig, reconciliation: Reconciliation, sync_runner: SyncRunnerStandIn
) -> None:
    sync, run = await rig.requested()
    await rig.pass_time(OVERDUE_SECONDS + 1)
    counts, ended_at = RunCounts(read=3, written=2, unchanged=1), await rig.now()
    sync_runner.runs[run.id] = told(run, RunStatus.SUCCEEDED, counts=counts, ended_at=ended_at)
    await reconciliation.runs()
    (ended,) = await rig.runs(sync)
    assert ended.status is RunStatus.SUCCEEDED
    assert ended.counts.written == 2
    assert (await rig.sync(sync)).active_runs == []


async def test_a_run_that_only_waits_stays_open_and_is_asked_about_again_later(
    rig: Rig, reconciliation: Reconciliation, sync_runner: SyncRunnerStandIn
) -> None:
    sync, run = await rig.requested()
    await rig.pass_time(OVERDUE_SECONDS + 1)
    sync_runner.runs[run.id] = told(run, RunStatus.QUEUED)
    await reconciliation.runs()
    await reconciliation.runs()
    assert sync_runner.times("/runs") == 1
    assert (await rig.runs(sync))[0].status is RunStatus.REQUESTED


async def test_a_sync_held_for_its_contents_is_released_when_they_are_back(
    rig: Rig, rechecks: Rechecks, sync_runner: SyncRunnerStandIn
) -> None:
    sync, run = await rig.requested()
    sync_runner.objects["contacts"] = ["firstname"]
    await rig.fail(run, RunFailureCause.MAPPING)
    await rig.recheck_now(sync)
    await rechecks.tick()
    assert (await rig.sync(sync)).status is SyncStatus.HELD
    assert await rig.recheck_at(sync) > await rig.now()
    sync_runner.objects["contacts"] = ["email", "firstname"]
    await rig.recheck_now(sync)
    await rechecks.tick()
    assert (await rig.sync(sync)).status is SyncStatus.ACTIVE
    (released,) = await rig.events(SyncReleased)
    assert released.catch_up_run_id
    assert (await rig.ledger(sync)).balanced
