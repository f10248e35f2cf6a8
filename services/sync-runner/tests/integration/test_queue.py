"""The queue: recorded once, claimed in order, one active run per table, cancelled in time."""

import asyncio
import itertools

import pytest
from sync_runner_rig import WORKSPACE, Rig, requested
from tablesync.contracts import Provider, RunCancelRequested, SyncSpec, Trigger
from tablesync.service_kit.mongo import changes
from tablesync.service_kit.mongo.leases import Lease
from tablesync.sync_runner import store
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.runs import Run
from tablesync.test_kit import eventually


def cancel_of(spec: SyncSpec, run_id: str) -> RunCancelRequested:
    return RunCancelRequested(
        workspace_id=WORKSPACE, sync_id=spec.sync_id, run_id=run_id, requested_by="op_1"
    )


async def other_table(rig: Rig, number: int) -> SyncSpec:
    spec = await rig.spec("deals")
    destination = spec.destination.model_copy(update={"table_id": f"tblOther{number:09d}"})
    return spec.model_copy(update={"destination": destination})


async def claim(queue: RunQueue) -> tuple[Run, Lease]:
    """Claim what is there."""
    found = await queue.claim()
    assert found is not None
    return found


@pytest.mark.usefixtures("own_topics")
async def test_sync_requested_becomes_a_run_and_its_facts_reach_kafka(rig: Rig) -> None:
    spec = await rig.spec("deals")
    event = requested(spec, Trigger.MANUAL)
    async with rig.runner("worker", "consumer", "relay"):
        await rig.publish(event, event)
        facts = await rig.published(2)
    assert [type(each).__name__ for each in facts] == ["SyncStarted", "SyncSucceeded"]
    assert {each.run_id for each in facts} == {event.run_id}
    assert facts[1].counts.written == 20
    assert facts[1].ended_at >= facts[1].started_at
    assert not await rig.differences(spec)


@pytest.mark.usefixtures("own_topics")
async def test_progress_is_told_while_a_run_goes_on(rig: Rig) -> None:
    await rig.fill(300)
    spec = await rig.spec("deals")
    await rig.slow_down(Provider.AIRTABLE, 200)
    async with rig.runner("worker", runner_writes_in_flight=2):
        run_id = await rig.enqueue(spec)
        told = await rig.published(3, "run-progress")
        await rig.ended(run_id)
    assert {type(each).__name__ for each in told} == {"RunProgressed"}
    assert {each.run_id for each in told} == {run_id}
    written = [each.counts.written for each in told]
    assert written == sorted(written)


async def test_manual_runs_come_first_then_the_oldest(rig: Rig) -> None:
    specs = [await other_table(rig, n) for n in range(3)]
    first = await rig.enqueue(specs[0])
    second = await rig.enqueue(specs[1])
    manual = await rig.enqueue(specs[2], Trigger.MANUAL)
    queue = RunQueue(rig.database, 30, 10)
    claimed = [(await claim(queue))[0].id for _ in range(3)]
    assert claimed == [manual, first, second]
    assert await queue.claim() is None


async def test_sleeping_workers_are_woken_by_what_another_process_records(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "POLL_SECONDS", 3_600)
    async with rig.runner():
        for object_ in ("deals", "companies"):
            await rig.ended(await rig.enqueue(await rig.spec(object_)))


async def test_a_table_has_one_active_run(rig: Rig) -> None:
    spec = await rig.spec("deals")
    for _ in range(4):
        await rig.enqueue(spec)
    queues = [RunQueue(rig.database, 30, 10) for _ in range(8)]
    claimed = await asyncio.gather(*(queue.claim() for queue in queues))
    assert len([each for each in claimed if each is not None]) == 1


async def test_runs_of_one_table_go_one_after_the_other(rig: Rig) -> None:
    spec = await rig.spec("deals")
    run_ids = [await rig.enqueue(spec) for _ in range(3)]
    async with rig.runner():
        rows = [await rig.ended(each) for each in run_ids]
    assert [row["counts"]["written"] for row in rows] == [20, 0, 0]
    for earlier, later in itertools.pairwise(rows):
        assert earlier["ended_at"] <= later["started_at"]


async def test_a_run_in_the_middle_is_cancelled(rig: Rig) -> None:
    await rig.fill(600)
    spec = await rig.spec("deals")
    await rig.slow_down(Provider.AIRTABLE, 300)
    async with rig.runner(runner_writes_in_flight=1):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 10)
        await rig.cancel(run_id)
        row = await rig.ended(run_id)
    assert (row["status"], row["cause"]) == ("cancelled", "cancelled")
    assert 10 <= row["counts"]["written"] < 600
    assert await rig.events(run_id) == ["started", "failed"]


async def test_a_queued_run_is_cancelled_at_once(rig: Rig) -> None:
    run_id = await rig.enqueue(await rig.spec("deals"))
    await rig.cancel(run_id)
    row = await rig.row(run_id)
    assert (row["status"], row["started_at"]) == ("cancelled", None)
    assert await rig.events(run_id) == ["failed"]


@pytest.mark.usefixtures("own_topics")
async def test_a_cancel_that_comes_before_its_run_is_kept(rig: Rig) -> None:
    spec = await rig.spec("deals")
    event = requested(spec)
    run_id = event.run_id
    async with rig.runner("worker", "consumer"):
        await rig.publish(cancel_of(spec, run_id), event)

        async def known() -> bool:
            return bool(await rig.database[store.RUNS].find_one({"_id": run_id}))

        await eventually(known)
        row = await rig.ended(run_id)
    assert row["status"] == "cancelled"


async def test_p14_a_run_whose_worker_is_silent_is_offered_again(rig: Rig) -> None:
    run_id = await rig.enqueue(await rig.spec("deals"))
    queue = RunQueue(rig.database, 2, 1)
    _, lease = await claim(queue)
    assert await queue.claim() is None
    assert not await queue.renew(lease)
    assert lease.remaining() > 0

    async def again() -> tuple[Run, Lease] | None:
        return await queue.claim()

    run, successor = await eventually(again)
    assert (run.id, run.fence) == (run_id, 2)
    await queue.renew(lease)
    assert lease.lost.is_set()
    assert successor.remaining() > 0
