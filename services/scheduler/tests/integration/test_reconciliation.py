"""Events make it fast, reconciliation makes it certain."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from tablesync.contracts import (
    ConnectionReconnected,
    ConnectionRevoked,
    HoldKind,
    RunStatus,
    SyncReleased,
    SyncStatus,
    Trigger,
)
from tablesync.scheduler.clients.auth_service import AuthServiceClient
from tablesync.scheduler.clients.sync_runner import SyncRunnerClient
from tablesync.scheduler.domain.schedules import Interval
from tablesync.scheduler.known_states import KnownStates
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.scheduler.loops.reconciliation import LOST_AFTER, OVERDUE_SECONDS, Reconciliation
from tablesync.service_kit.http.client import new_client

pytestmark = pytest.mark.integration


def at_once(now: datetime) -> datetime:
    return now


@pytest_asyncio.fixture
async def client(stand_ins: Any) -> AsyncIterator[Any]:
    async with new_client(stand_ins.url) as client:
        client.headers["Authorization"] = "Bearer test"
        yield client


@pytest.fixture
def reconciliation(scheduler: Any, client: Any) -> Reconciliation:
    states = KnownStates(
        AuthServiceClient(client), scheduler.units, scheduler.store, scheduler.handlers
    )
    return Reconciliation(
        scheduler.units,
        scheduler.store,
        states,
        SyncRunnerClient(client),
        scheduler.handlers,
        at_once,
    )


@pytest.fixture
def rechecks(scheduler: Any, client: Any) -> Rechecks:
    return Rechecks(scheduler.units, scheduler.store, SyncRunnerClient(client), at_once)


@pytest.fixture
def miss(scheduler: Any, reconciliation: Reconciliation, pass_time: Any) -> Any:
    """Return a function that lets the runner be asked in vain so often."""

    async def ask(times: int = LOST_AFTER) -> None:
        for _ in range(times):
            await pass_time(OVERDUE_SECONDS + 1)
            await reconciliation.runs()

    return ask


@pytest.fixture
def presumed(scheduler: Any, miss: Any) -> Any:
    """Return a function that has a run sent, and presumed lost."""

    async def presume(sync: Any) -> Any:
        await scheduler.ticker.tick()
        await scheduler.sent()
        await miss()
        run = (await scheduler.runs(sync))[0]
        assert (run.status, run.presumed) == (RunStatus.FAILED, True)
        return run

    return presume


async def catch_ups(scheduler: Any, sync: Any) -> list[Any]:
    runs = await scheduler.runs(sync)
    return [run for run in runs if run.trigger is Trigger.CATCH_UP]


async def requested(scheduler: Any) -> Any:
    sync = await scheduler.add(due_seconds_ago=0)
    await scheduler.ticker.tick()
    (run,) = await scheduler.runs(sync)
    return sync, run


def about(run: Any) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "sync_id": run.sync_id,
        "workspace_id": run.workspace_id,
        "trigger": run.trigger,
    }


async def test_a_state_whose_event_was_lost_is_taken_over(
    scheduler: Any, reconciliation: Reconciliation, stand_ins: Any, new_state: Any
) -> None:
    sync = await scheduler.add()
    stand_ins.states["con_hubspot"] = new_state(ConnectionRevoked, 5)
    await reconciliation.connections()
    await scheduler.jobs.tick()
    assert (await scheduler.sync(sync)).status is SyncStatus.HELD
    stand_ins.states["con_hubspot"] = new_state(ConnectionReconnected, 6)
    await reconciliation.connections()
    await scheduler.jobs.tick()
    assert (await scheduler.sync(sync)).status is SyncStatus.ACTIVE


async def test_an_older_state_told_is_passed_over(
    scheduler: Any, reconciliation: Reconciliation
) -> None:
    sync = await scheduler.add()
    await scheduler.lose()
    await scheduler.jobs.tick()
    await reconciliation.connections()
    await scheduler.jobs.tick()
    assert (await scheduler.sync(sync)).status is SyncStatus.HELD


async def test_a_stopped_run_of_a_sync_that_nothing_holds_is_caught_up(
    scheduler: Any, reconciliation: Reconciliation
) -> None:
    sync, run = await requested(scheduler)
    await scheduler.interrupt(run)
    await reconciliation.connections()
    await reconciliation.connections()
    triggers = [each.trigger for each in await scheduler.runs(sync)]
    assert triggers == [Trigger.SCHEDULE, Trigger.CATCH_UP]


async def test_an_end_whose_event_was_lost_is_asked_for(
    scheduler: Any, reconciliation: Reconciliation, stand_ins: Any, pass_time: Any
) -> None:
    sync, run = await requested(scheduler)
    await pass_time(OVERDUE_SECONDS + 1)
    stand_ins.runs[run.id] = {
        **about(run),
        "status": "succeeded",
        "counts": {"read": 3, "written": 2, "unchanged": 1, "rejected": 0},
        "summary": "Done.",
        "ended_at": "2026-03-01T12:00:00.000Z",
    }
    await reconciliation.runs()
    (ended,) = await scheduler.runs(sync)
    assert ended.status is RunStatus.SUCCEEDED
    assert ended.counts.written == 2
    assert (await scheduler.sync(sync)).active_runs == []


async def test_a_run_that_only_waits_stays_open_and_is_asked_about_again_later(
    scheduler: Any, reconciliation: Reconciliation, stand_ins: Any, pass_time: Any
) -> None:
    sync, run = await requested(scheduler)
    await pass_time(OVERDUE_SECONDS + 1)
    stand_ins.runs[run.id] = {**about(run), "status": "queued"}
    await reconciliation.runs()
    await reconciliation.runs()
    assert len([each for each in stand_ins.asked if "/runs" in each]) == 1
    assert (await scheduler.runs(sync))[0].status is RunStatus.REQUESTED


async def test_a_run_that_nobody_knows_of_is_presumed_lost_until_it_is_heard_of(
    scheduler: Any, miss: Any
) -> None:
    sync, run = await requested(scheduler)
    await scheduler.sent()
    await miss(LOST_AFTER - 1)
    assert (await scheduler.runs(sync))[0].status is RunStatus.REQUESTED
    await miss(1)
    (lost,) = await scheduler.runs(sync)
    assert (lost.status, lost.cause) == (RunStatus.FAILED, "internal")
    assert (await scheduler.sync(sync)).active_runs == []
    await scheduler.succeed(run)
    assert (await scheduler.runs(sync))[0].status is RunStatus.SUCCEEDED
    assert (await scheduler.ledger(sync)).balanced


async def test_a_run_whose_request_waits_in_the_outbox_is_not_presumed_lost(
    scheduler: Any, miss: Any
) -> None:
    """Kafka is away; once it is back, the runner gets all the time to read the request."""
    sync, _ = await requested(scheduler)
    await miss()
    await scheduler.sent()
    await miss(LOST_AFTER - 1)
    (run,) = await scheduler.runs(sync)
    assert run.status is RunStatus.REQUESTED
    assert len(await scheduler.requests(sync)) == 1


async def test_a_run_that_is_told_of_unreadably_is_not_presumed_lost(
    scheduler: Any, miss: Any, stand_ins: Any
) -> None:
    """A sync-runner of a later version may know a status that this scheduler does not."""
    sync, run = await requested(scheduler)
    await scheduler.sent()
    stand_ins.runs[run.id] = {"run_id": run.id, "status": "dreaming"}
    await miss()
    assert (await scheduler.runs(sync))[0].status is RunStatus.REQUESTED


async def test_a_catch_up_that_waits_for_its_place_is_not_presumed_lost(
    scheduler: Any, new_scheduler: Any, miss: Any
) -> None:
    slow = new_scheduler(scheduler.database, jitter_seconds=3600)
    sync = await slow.add(due_seconds_ago=1)
    await slow.lose()
    await slow.jobs.tick()
    await slow.reconnect()
    await slow.jobs.tick()
    await scheduler.sent()
    await miss()
    (run,) = await scheduler.runs(sync)
    assert (run.trigger, run.status) == (Trigger.CATCH_UP, RunStatus.REQUESTED)


@pytest.mark.parametrize("outcome", ["interrupted", "held"])
async def test_p10_a_run_presumed_lost_that_was_stopped_is_held_and_caught_up_once(
    scheduler: Any, presumed: Any, outcome: str
) -> None:
    """Another run has been asked for meanwhile; it is stopped as well."""
    sync = await scheduler.add(due_seconds_ago=0, schedule=Interval(every_seconds=900))
    run = await presumed(sync)
    await scheduler.ticker.tick()
    _, follow_up = await scheduler.runs(sync)
    await scheduler.lose()
    await scheduler.jobs.tick()
    for _ in range(2):
        await scheduler.interrupt(run, outcome)
        await scheduler.interrupt(follow_up, outcome)
    statement = await scheduler.ledger(sync)
    assert (statement.due, statement.held, statement.balanced) == (2, 2, True)
    await scheduler.reconnect()
    await scheduler.jobs.tick()
    (catch_up,) = await catch_ups(scheduler, sync)
    assert catch_up.gap.from_ == run.slot
    assert catch_up.gap.slots_missed == 2


async def test_p10_a_run_presumed_lost_is_caught_up_though_its_end_is_heard_of_after_the_release(
    scheduler: Any, presumed: Any
) -> None:
    sync = await scheduler.add(due_seconds_ago=0)
    run = await presumed(sync)
    await scheduler.lose()
    await scheduler.jobs.tick()
    stopped_at = await scheduler.now()
    await scheduler.reconnect()
    await scheduler.jobs.tick()
    assert await catch_ups(scheduler, sync) == []
    for _ in range(2):
        await scheduler.interrupt(run, "held", ended_at=stopped_at)
    (catch_up,) = await catch_ups(scheduler, sync)
    assert catch_up.gap.from_ == run.slot
    statement = await scheduler.ledger(sync)
    assert (statement.due, statement.held, statement.balanced) == (1, 1, True)


async def test_p10_a_catch_up_asked_for_since_covers_a_run_presumed_lost(
    scheduler: Any, presumed: Any, pass_time: Any
) -> None:
    sync = await scheduler.add(due_seconds_ago=0)
    run = await presumed(sync)
    await scheduler.lose()
    await scheduler.jobs.tick()
    await pass_time(3600)
    stopped_at = await scheduler.now()
    await scheduler.reconnect()
    await scheduler.jobs.tick()
    await scheduler.interrupt(run, "held", ended_at=stopped_at)
    assert len(await catch_ups(scheduler, sync)) == 1
    statement = await scheduler.ledger(sync)
    assert (statement.due, statement.held, statement.balanced) == (2, 2, True)


async def test_p10_a_run_presumed_lost_that_nothing_holds_is_caught_up_by_the_reconciliation(
    scheduler: Any, presumed: Any, reconciliation: Reconciliation
) -> None:
    sync = await scheduler.add(due_seconds_ago=0)
    run = await presumed(sync)
    await scheduler.interrupt(run)
    assert await catch_ups(scheduler, sync) == []
    await reconciliation.connections()
    await reconciliation.connections()
    assert len(await catch_ups(scheduler, sync)) == 1
    assert (await scheduler.ledger(sync)).balanced


async def test_a_run_presumed_lost_that_lacks_an_object_holds_its_sync(
    scheduler: Any, presumed: Any
) -> None:
    sync = await scheduler.add(due_seconds_ago=0)
    run = await presumed(sync)
    await scheduler.fail(run, "resource")
    held = await scheduler.sync(sync)
    assert held.hold.kind is HoldKind.RESOURCE
    assert held.missed.slots == 1
    assert held.recheck_at > await scheduler.now()
    assert (await scheduler.ledger(sync)).held == 1


async def test_a_sync_held_for_its_contents_is_released_when_they_are_back(
    scheduler: Any, rechecks: Rechecks, stand_ins: Any
) -> None:
    sync, run = await requested(scheduler)
    stand_ins.objects["contacts"] = ["firstname"]
    await scheduler.fail(run, "mapping")
    await scheduler.database["syncs"].update_one(
        {"_id": sync.id}, [{"$set": {"recheck_at": "$$NOW"}}]
    )
    await rechecks.tick()
    held = await scheduler.sync(sync)
    assert held.status is SyncStatus.HELD
    assert held.recheck_at > await scheduler.now()
    stand_ins.objects["contacts"] = ["email", "firstname"]
    await scheduler.database["syncs"].update_one(
        {"_id": sync.id}, [{"$set": {"recheck_at": "$$NOW"}}]
    )
    await rechecks.tick()
    assert (await scheduler.sync(sync)).status is SyncStatus.ACTIVE
    (released,) = await scheduler.events(SyncReleased)
    assert released.catch_up_run_id
    assert (await scheduler.ledger(sync)).balanced
