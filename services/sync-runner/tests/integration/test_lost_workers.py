"""A run that takes its workers with it is given up before it has taken them all."""

import signal
from datetime import UTC, datetime, timedelta

import pytest
from runner_process import RunnerProcess
from sync_runner_rig import Rig
from tablesync.contracts import Provider, SyncSpec
from tablesync.service_kit.mongo.leases import Lease
from tablesync.sync_runner import store
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.pipeline.checkpoints import DISTRUSTED_PASSES, Checkpoint, Pass
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.runs import Run
from tablesync.test_kit import eventually

pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("taken_over_soon")]
NO_TABLES = {"error": {"type": "NOT_FOUND", "message": "Not here."}}
# The longest that may be set: on a slow machine no lease ends by itself before its worker is lost.
LONG = {"RUNNER_LEASE_SECONDS": "25"}


async def taken_by_a_process(rig: Rig, run_id: str, fence: int) -> RunnerProcess:
    """Start a worker, and wait until it has the run."""
    process = rig.process(**LONG)

    async def has_it() -> bool:
        row = await rig.row(run_id)
        return bool(row["fence"] == fence and row["status"] == "running")

    await eventually(has_it, timeout=120)
    return process


async def let_lease_end(rig: Rig, run_id: str) -> None:
    """Let as much time pass as a takeover waits for."""
    ended = {"lease_until": datetime.now(UTC) - timedelta(hours=1)}
    await rig.database[store.RUNS].update_one({"_id": run_id}, {"$set": ended})


async def test_three_lost_workers_without_a_checkpoint_end_a_run(rig: Rig) -> None:
    spec = await rig.spec("deals")
    run_id = await rig.enqueue(spec)
    await rig.slow_down(Provider.HUBSPOT, 60_000)  # no page arrives
    for fence in (1, 2, 3):
        process = await taken_by_a_process(rig, run_id, fence)
        process.kill()
        process.wait()
        await let_lease_end(rig, run_id)
    async with rig.runner():
        row = await rig.ended(run_id)
        assert (row["status"], row["cause"], row["fence"]) == ("failed", "internal", 4)
        assert row["summary"].startswith("3 workers were lost in a row")
        await rig.slow_down(Provider.HUBSPOT, 0)
        after = await rig.run(spec)
    assert after["status"] == "succeeded", after["summary"]
    assert not await rig.differences(spec)


async def test_workers_that_are_asked_to_stop_are_not_lost(rig: Rig) -> None:
    spec = await rig.spec("deals")
    run_id = await rig.enqueue(spec)
    await rig.slow_down(Provider.HUBSPOT, 60_000)
    for fence in (1, 2, 3):
        process = await taken_by_a_process(rig, run_id, fence)
        process.send_signal(signal.SIGTERM)
        process.wait()
    await rig.slow_down(Provider.HUBSPOT, 0)
    async with rig.runner():
        row = await rig.ended(run_id)
    assert (row["status"], row["fence"]) == ("succeeded", 4)
    assert "takeovers" not in row or row["takeovers"] == 0


async def test_a_checkpoint_that_came_on_forgives_the_workers_lost_before(rig: Rig) -> None:
    spec = await rig.spec("deals")
    run_id = await rig.enqueue(spec)
    queue = RunQueue(rig.database, 1, 1)
    assert await queue.claim()

    async def taken_over() -> tuple[Run, Lease] | None:
        return await queue.claim()

    for lost in (1, 2):
        run, lease = await eventually(taken_over)
        assert (run.id, run.takeovers) == (run_id, lost)
    journal = Journal(rig.units, run, lease)
    journal.checkpoint = Checkpoint(spec.sync_id, "f", "hubspot/7002", None, Pass({}, 1, run_id))
    await journal.save()
    assert (await rig.row(run_id))["takeovers"] == 2, "nothing has come on"
    journal.open_page({"mode": "list", "after": "1"}, [], size=0).dispatched = True
    await journal.save()
    assert (await rig.row(run_id))["takeovers"] == 0


async def change_first_row(rig: Rig, spec: SyncSpec) -> None:
    """Have a row hold what a lost worker has sent in its last moments."""
    (row_id, *_) = (await rig.row_ids(spec)).values()
    await rig.at_table(spec, "edit-row", row=row_id, fields={spec.mapping[0].field_id: None})


async def test_a_lost_worker_is_remembered_where_the_mapping_is_edited(rig: Rig) -> None:
    """What it has sent in its last moments may be of a value that is no more."""
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        await change_first_row(rig, spec)
        await rig.database[store.CHECKPOINTS].update_one(
            {"_id": spec.sync_id}, {"$set": {"distrusted_passes": DISTRUSTED_PASSES}}
        )
        edited = spec.model_copy(update={"mapping": spec.mapping[::-1]})
        row = await rig.run(edited)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 20), row["summary"]
    assert not await rig.differences(edited)


async def lost(rig: Rig) -> tuple[SyncSpec, str]:
    """Lose the worker of a run that reads what has changed, none of which it writes; return both.

    In its last moments it has sent a value that is no more.
    """
    every = await rig.spec("deals")
    named = [each for each in every.mapping if each.source == "dealname"]
    spec = every.model_copy(update={"mapping": tuple(named)})
    async with rig.runner():
        await rig.run(spec)
    await change_first_row(rig, spec)
    await rig.edit("deals", [each["id"] for each in await rig.deals()], amount="7")
    run_id = await rig.enqueue(spec)
    assert await RunQueue(rig.database, 1, 1).claim()
    await let_lease_end(rig, run_id)
    return spec, run_id


async def all_is_written_again(rig: Rig, spec: SyncSpec) -> None:
    """Run once more: what the lost worker has sent is not taken for what it was."""
    row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 20), row["summary"]
    assert not await rig.differences(spec)


@pytest.mark.parametrize("how", ["given up", "no table"])
async def test_a_lost_worker_is_remembered_where_its_run_ends_before_it_goes_on(
    rig: Rig, how: str
) -> None:
    spec, run_id = await lost(rig)
    if how == "given up":
        await rig.database[store.RUNS].update_one({"_id": run_id}, {"$set": {"takeovers": 2}})
    else:
        await rig.at_airtable("break", status=404, body=NO_TABLES, path_contains="/tables", count=1)
    async with rig.runner():
        assert (await rig.ended(run_id))["status"] == "failed"
        await all_is_written_again(rig, spec)


async def test_a_lost_worker_is_remembered_where_its_run_is_cancelled_in_the_queue(
    rig: Rig,
) -> None:
    """Whoever has taken it over was asked to stop, and has handed it back at once."""
    spec, run_id = await lost(rig)
    taken_over = await RunQueue(rig.database, 20, 1).claim()
    assert taken_over is not None
    await Journal(rig.units, *taken_over).hand_back()
    await rig.cancel(run_id)
    assert (await rig.row(run_id))["status"] == "cancelled"
    async with rig.runner():
        await all_is_written_again(rig, spec)
