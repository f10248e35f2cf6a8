"""P29: syncs of one connection that gets no token take no worker from those of others."""

import time

import pytest
from sandbox_accounts import PORTAL
from sync_runner_rig import HUBSPOT, WORKSPACE, Rig
from tablesync.contracts import Account, Provider
from tablesync.contracts.internal_api import GRANT_UNREADABLE
from tablesync.service_kit.http.problems import UNREADABLE_DOCUMENT, Problem
from tablesync.service_kit.mongo import changes
from tablesync.sync_runner import store
from tablesync.sync_runner.access import gates
from tablesync.sync_runner.stall import STALLED_SECONDS
from tablesync.test_kit import eventually

BAD = "con_bad"
WORKERS = 3


async def enqueue_bad(rig: Rig, count: int = WORKERS + 2) -> list[str]:
    """Put runs into the queue whose source is the bad connection, each with a table of its own."""
    acme = Account(id=PORTAL, name="Acme")
    rig.auth.connect(BAD, WORKSPACE, Provider.HUBSPOT, acme, token=rig.hubspot.token)
    spec = await rig.spec("deals")
    source = spec.source.model_copy(update={"connection_id": BAD})
    tables = [f"tblBad{number:011}" for number in range(count)]
    destinations = [spec.destination.model_copy(update={"table_id": each}) for each in tables]
    specs = [
        spec.model_copy(update={"sync_id": f"syn_{number}", "source": source, "destination": each})
        for number, each in enumerate(destinations)
    ]
    return [await rig.enqueue(each) for each in specs]


@pytest.mark.parametrize("problem", [GRANT_UNREADABLE, UNREADABLE_DOCUMENT])
async def test_p29_a_grant_that_cannot_be_read_fails_its_own_runs_at_once(
    rig: Rig, problem: str
) -> None:
    rig.auth.troubles[BAD] = Problem(500, problem, "Our own fault.")
    bad = await enqueue_bad(rig)
    async with rig.runner(runner_workers=WORKERS):
        rows = [await rig.ended(each) for each in bad]
        assert (await rig.run(await rig.spec("deals")))["status"] == "succeeded"
    for row in rows:
        assert (row["status"], row["cause"], row["connection_id"]) == ("failed", "internal", BAD)
        assert "cannot be read" in row["summary"]


@pytest.fixture
def turns_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten how long nobody asks, and how long a worker sleeps."""
    monkeypatch.setattr(changes, "POLL_SECONDS", 0.5)
    monkeypatch.setattr(gates, "SILENT_SECONDS", 1.0)


async def test_p29_runs_that_get_no_token_wait_in_the_queue_and_not_in_a_worker(
    rig: Rig, turns_come_soon: None
) -> None:
    rig.auth.troubles[BAD] = away(retry_after=1)
    bad = await enqueue_bad(rig)
    async with rig.runner(runner_workers=WORKERS, runner_access_wait_seconds=2):
        await eventually(lambda: waited(rig, bad))
        assert (await rig.run(await rig.spec("deals")))["status"] == "succeeded"
        assert {(await rig.row(each))["ended_at"] for each in bad} == {None}
        del rig.auth.troubles[BAD]
        rows = [await rig.ended(each) for each in bad]
    assert {row["cause"] for row in rows} == {"resource"}, "the tables are made up"
    assert {row["waited_seconds"] for row in rows} == {0.0}
    assert [await rig.events(each) for each in bad] == [["started", "failed"]] * len(bad)


async def test_p29_who_is_told_to_come_later_is_handed_back_at_once(rig: Rig) -> None:
    rig.auth.troubles[BAD] = away(retry_after=3_600)
    began = time.monotonic()
    (bad,) = await enqueue_bad(rig, 1)
    async with rig.runner(runner_workers=1):
        await eventually(lambda: waited(rig, [bad]))
        took = time.monotonic() - began
        assert (await rig.run(await rig.spec("deals")))["status"] == "succeeded"
    row = await rig.row(bad)
    assert row["status"] == "queued"
    assert 30 <= row["waited_seconds"] <= 30 + took, "until its next turn, and what was waited"


async def test_p29_a_run_that_never_gets_a_token_stalls_by_its_own_clock(
    rig: Rig, turns_come_soon: None
) -> None:
    rig.auth.troubles[BAD] = away(retry_after=1)
    (bad,) = await enqueue_bad(rig, 1)
    almost = {"waited_seconds": STALLED_SECONDS - 4}
    await rig.database[store.RUNS].update_one({"_id": bad}, {"$set": almost})
    async with rig.runner(runner_workers=1, runner_access_wait_seconds=0):
        row = await rig.ended(bad)
    assert (row["status"], row["cause"]) == ("failed", "stalled")
    assert row["fence"] > 2, "it was handed back in between"


async def test_p14_a_run_that_is_handed_back_for_want_of_a_token_goes_on_at_its_checkpoint(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "POLL_SECONDS", 0.5)
    monkeypatch.setattr(gates, "SILENT_SECONDS", 1.0)
    await rig.fill(1_500)  # more pages than are read ahead while the first token lives
    spec = await rig.spec("deals")
    rig.hubspot.token_seconds = 4
    await rig.slow_down(Provider.AIRTABLE, 300)
    async with rig.runner(runner_writes_in_flight=1, runner_access_wait_seconds=0):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 50)
        rig.auth.troubles[HUBSPOT] = away(retry_after=1)
        await eventually(lambda: waited(rig, [run_id]))
        assert (await rig.row(run_id))["counts"]["written"] >= 50
        await rig.slow_down(Provider.AIRTABLE, 0)
        rig.hubspot.token_seconds = 1_800
        del rig.auth.troubles[HUBSPOT]
        row = await rig.ended(run_id)
    assert (row["status"], row["counts"]["read"]) == ("succeeded", 1_500)
    assert not await rig.differences(spec)
    assert (await rig.counters(Provider.AIRTABLE))["duplicates"] == 0


def away(retry_after: int) -> Problem:
    """Make the answer that the provider cannot be reached just now."""
    headers = {"Retry-After": str(retry_after)}
    return Problem(503, "provider-unavailable", "Come again.", headers=headers)


async def waited(rig: Rig, run_ids: list[str]) -> bool:
    """Whether each of these runs has been handed back without having come on."""
    return all([(await rig.row(each)).get("waited_seconds", 0) > 0 for each in run_ids])
