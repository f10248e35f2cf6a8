"""P14: a runner dies, or only seems to; P25: it is asked to stop. The run goes on elsewhere."""

import asyncio
import signal
import time

import pytest
from runner_process import RunnerProcess
from sync_runner_rig import AIRTABLE, Rig
from tablesync.contracts import Provider
from tablesync.service_kit.mongo.leases import Lease
from tablesync.sync_runner import store
from tablesync.sync_runner.errors import LeaseLostError
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.pipeline.journal import Journal
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.settings import Settings
from tablesync.test_kit import eventually

LEASE = 8
pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("taken_over_soon")]


async def started_in_a_process(
    rig: Rig, run_id: str, written: int, lease: int = LEASE
) -> RunnerProcess:
    """Start a runner process, slowly served, and wait until it is in the middle of the run."""
    await rig.slow_down(Provider.AIRTABLE, 150)
    process = rig.process(RUNNER_LEASE_SECONDS=str(lease), RUNNER_WRITES_IN_FLIGHT="2")
    await rig.reached(run_id, written, timeout=120)  # a process takes its time to start
    return process


async def claimed(queue: RunQueue) -> tuple[Run, Lease]:
    """Claim what is there."""
    found = await queue.claim()
    assert found is not None
    return found


async def new_airtable_token(rig: Rig) -> str:
    """Have later runners use another Airtable grant, so that their calls can be told apart."""
    first = set((await rig.counters(Provider.AIRTABLE))["grants"])
    await rig.auth.refresh(AIRTABLE)
    (grant,) = first
    return str(grant)


async def test_p14_a_killed_runner_is_replaced_in_60_s_and_the_table_equals_its_source(
    rig: Rig,
) -> None:
    """At the lease that is the default: a shorter one would measure itself."""
    lease = Settings.model_fields["runner_lease_seconds"].default
    await rig.fill(900, "contacts")
    spec = await rig.spec("contacts")
    run_id = await rig.enqueue(spec)
    process = await started_in_a_process(rig, run_id, 100, lease)
    process.kill()
    killed_at = time.monotonic()
    saved = (await rig.row(run_id))["counts"]
    async with rig.runner(runner_lease_seconds=lease):

        async def taken_over() -> bool:
            return bool((await rig.row(run_id))["fence"] == 2)

        await eventually(taken_over, timeout=120)
        assert time.monotonic() - killed_at <= 60
        await rig.slow_down(Provider.AIRTABLE, 0)
        row = await rig.ended(run_id, timeout=90)
    assert row["status"] == "succeeded", row["summary"]
    assert row["counts"]["read"] == 900, "what the checkpoint counts is not read again"
    assert row["counts"]["written"] >= saved["written"]
    assert not await rig.differences(spec)
    counters = await rig.counters(Provider.AIRTABLE)
    assert counters["duplicates"] == counters["upsert_duplicates"] == 0
    assert await rig.events(run_id) == ["started", "started", "succeeded"]


async def test_p14_a_zombie_sends_nothing_to_airtable_after_its_lease(rig: Rig) -> None:
    await rig.fill(900, "contacts")
    spec = await rig.spec("contacts")
    run_id = await rig.enqueue(spec)
    process = await started_in_a_process(rig, run_id, 100)
    grant = await new_airtable_token(rig)
    process.send_signal(signal.SIGSTOP)
    stopped_at_ms = time.time() * 1000
    await rig.slow_down(Provider.AIRTABLE, 0)
    async with rig.runner():
        row = await rig.ended(run_id, timeout=90)
        assert (row["status"], row["fence"]) == ("succeeded", 2)
        process.send_signal(signal.SIGCONT)
        log = rig.log_dir / "runner-0.log"
        await eventually(lambda: "run left" in log.read_text())
    seen = (await rig.counters(Provider.AIRTABLE))["grants"][grant]
    assert seen["last_call_at"] <= stopped_at_ms + LEASE * 1000
    after = await rig.row(run_id)
    assert {k: after[k] for k in ("status", "fence", "counts")} == {
        k: row[k] for k in ("status", "fence", "counts")
    }
    assert not await rig.differences(spec)


async def test_p14_a_late_checkpoint_is_refused_by_its_fence(rig: Rig) -> None:
    spec = await rig.spec("deals")
    run_id = await rig.enqueue(spec)
    queue = RunQueue(rig.database, 1, 1)
    run, lease = await claimed(queue)
    assert (run.id, run.fence, run.distrusted) == (run_id, 1, False)

    async def taken_over() -> tuple[Run, Lease] | None:
        return await queue.claim()

    successor, _ = await eventually(taken_over)
    assert (successor.id, successor.fence, successor.distrusted) == (run_id, 2, True)
    journal = Journal(rig.units, run, lease)
    await rig.database[store.RECORD_STATES].insert_one({"_id": f"{spec.sync_id}/1"})
    await rig.database[store.CHECKPOINTS].insert_one({"_id": spec.sync_id})
    for late in (journal.save, journal.begin, journal.hand_back, journal.forget):
        try:
            await late()
        except LeaseLostError:
            assert lease.remaining() == 0
        else:
            raise AssertionError("a write with an old fence was taken")
    for collection in (store.RECORD_STATES, store.CHECKPOINTS):
        assert await rig.database[collection].count_documents({}) == 1
    assert await rig.events(run_id) == []


async def test_p14_after_a_takeover_nothing_is_taken_for_unchanged(rig: Rig) -> None:
    spec = await rig.spec("deals")
    spec = await rig.spec("deals", mapping=[m for m in spec.mapping if m.source == "dealname"])
    records = (await rig.deals())[:3]
    async with rig.runner():
        await rig.run(spec)
        for each in records:  # touched, but as they were
            name = {"dealname": each["properties"]["dealname"]}
            await rig.at_hubspot("edit", object="deals", ids=[each["id"]], properties=name)
        untouched = await rig.run(spec)
        assert untouched["counts"] == {"read": 3, "written": 0, "unchanged": 3, "rejected": 0}
    run_id = await rig.enqueue(spec)
    assert await RunQueue(rig.database, 1, 1).claim()
    async with rig.runner():
        row = await rig.ended(run_id)
        assert row["counts"] == {"read": 3, "written": 3, "unchanged": 0, "rejected": 0}
        still_distrusted = await rig.run(spec)
        trusted_again = await rig.run(spec)
    assert still_distrusted["counts"]["written"] == 3
    assert trusted_again["counts"]["unchanged"] == 3


async def test_p25_a_runner_that_is_asked_to_stop_hands_its_run_back(rig: Rig) -> None:
    await rig.fill(900, "contacts")
    spec = await rig.spec("contacts")
    run_id = await rig.enqueue(spec)
    process = await started_in_a_process(rig, run_id, 100)
    asked_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    await eventually(lambda: process.returncode is not None)
    assert time.monotonic() - asked_at < 30
    assert process.returncode == 0
    row = await rig.row(run_id)
    assert (row["status"], row["owner"], row["lease_until"]) == ("queued", None, None)
    assert row["counts"]["written"] >= 100
    await rig.slow_down(Provider.AIRTABLE, 0)
    async with rig.runner():
        ended = await rig.ended(run_id, timeout=90)
    assert (ended["status"], ended["fence"]) == ("succeeded", 2)
    assert ended["counts"]["read"] == 900
    counters = await rig.counters(Provider.AIRTABLE)
    assert (counters["records_created"], counters["records_updated"]) == (900, 0)
    assert not await rig.differences(spec)


async def test_p25_a_renewal_that_hangs_hides_no_request_to_stop(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MongoDB takes the renewal of the run's lease and does not answer; all else goes on."""
    await rig.fill(900, "contacts")
    run_id = await rig.enqueue(await rig.spec("contacts"))
    await rig.slow_down(Provider.AIRTABLE, 150)

    async def hang(*_: object) -> bool:
        await asyncio.Event().wait()
        return False

    async with rig.runner(runner_writes_in_flight=2):
        await rig.reached(run_id, 100)
        monkeypatch.setattr(RunQueue, "renew", hang)
    row = await rig.row(run_id)
    assert (row["status"], row["owner"], row["lease_until"]) == ("queued", None, None)
