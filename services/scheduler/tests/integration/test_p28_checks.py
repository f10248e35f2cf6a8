"""P28: every sync is checked whole by itself, and whenever an operator asks for it."""

import httpx
import pytest
from scheduler_http import Json, create_sync
from scheduler_rig import HOUR, Rig
from tablesync.contracts import Findings, RunCounts, SyncRequested, SyncSucceeded, Trigger
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.domain.runs import Run

pytestmark = pytest.mark.integration

DAY = 24 * 3600
YEARLY = Interval(every_seconds=366 * DAY)
FOUND = Findings(checked=1_204, missing=3, altered=2, gone=1)


async def found(rig: Rig, run: Run) -> None:
    """Let a run end that has checked everything."""
    await rig.handle(
        SyncSucceeded(
            workspace_id=run.workspace_id,
            sync_id=run.sync_id,
            run_id=run.id,
            trigger=run.trigger,
            counts=RunCounts(read=1_204),
            found=FOUND,
            summary="Checked 1,204 records: …",
            ended_at=await rig.now(),
        )
    )


async def test_p28_a_sync_is_checked_once_a_week_and_the_history_shows_it(rig: Rig) -> None:
    sync = await rig.add(schedule=YEARLY, due_seconds_ago=-300 * DAY)
    await rig.database["syncs"].update_one({"_id": sync.id}, [{"$set": {"due_at": "$$NOW"}}])
    await rig.ticker.tick()
    assert await rig.requests(sync) == [], "not at once: it has just been read whole"
    for _ in range(2):
        due = (await rig.sync(sync)).check_at
        assert due
        await rig.pass_time((due - await rig.now()).total_seconds() + 1)
        await rig.ticker.tick()
        run = (await rig.runs(sync))[-1]
        await found(rig, run)
    asked = await rig.requests(sync)
    assert [each.check_everything for each in asked] == [True, True]
    ended = await rig.run(run.id)
    assert (ended.check_everything, ended.found) == (True, FOUND)
    assert (await rig.ledger(sync)).balanced


async def test_p28_a_check_that_came_due_in_a_hold_waits_for_its_hour_and_is_one(
    rig: Rig,
) -> None:
    await rig.connect()
    sync = await rig.add(schedule=HOUR)
    await rig.database["syncs"].update_one({"_id": sync.id}, [{"$set": {"due_at": "$$NOW"}}])
    await rig.ticker.tick()
    await rig.hold()
    await rig.pass_time(30 * DAY)
    await rig.release()
    await rig.ticker.tick()
    (catch_up,) = await rig.catch_ups(sync)
    assert not catch_up.check_everything, "what was missed comes first"
    await rig.succeed(catch_up)
    await rig.pass_time(2 * DAY)
    await rig.ticker.tick()
    asked = await rig.requests(sync)
    assert sum(each.check_everything for each in asked) == 1
    assert (await rig.ledger(sync)).balanced


async def test_p28_everything_is_checked_on_request_and_never_twice_at_once(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    sync = await create_sync(api, body)
    path = f"/v1/syncs/{sync['id']}/check"
    key = {"Idempotency-Key": "once"}
    first = await api.post(path, headers=key)
    again, other = await api.post(path, headers=key), await api.post(path)
    assert {each.status_code for each in (first, again, other)} == {202}
    assert first.json() == again.json() == other.json()
    (event,) = await rig.events(SyncRequested)
    assert (event.run_id, event.check_everything) == (first.json()["run_id"], True)
    shown = (await api.get(f"/v1/runs/{event.run_id}")).json()
    assert (shown["check_everything"], shown["found"]) == (True, None)
    await found(rig, await rig.run(event.run_id))
    shown = (await api.get("/v1/runs")).json()["items"][0]
    assert shown["found"] == FOUND.model_dump()
    assert (await api.post(path)).json() != first.json(), "the next one is another"


async def test_p28_a_held_sync_is_not_checked_and_says_why(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    await rig.connect()
    sync = await create_sync(api, body)
    await rig.lose()
    refused = await api.post(f"/v1/syncs/{sync['id']}/check")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("sync-held")
    assert refused.json()["hold"]["cause"] == "app_uninstalled"
    assert await rig.events(SyncRequested) == []


async def held_before_it_began(api: httpx.AsyncClient, body: Json, rig: Rig) -> tuple[str, str]:
    """Ask for a check that a hold overtakes; return its route, and the run that it was to be."""
    await rig.connect()
    sync = await create_sync(api, body)
    check = f"/v1/syncs/{sync['id']}/check"
    asked = (await api.post(check)).json()["run_id"]
    await rig.hold()
    await rig.interrupt(await rig.run(asked), "held")
    return check, asked


async def test_p28_a_check_that_was_held_before_it_began_is_its_catch_up(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    check, asked = await held_before_it_began(api, body, rig)
    await rig.release()
    *_, event = await rig.events(SyncRequested)
    assert event.run_id != asked
    assert (event.trigger, event.check_everything) == (Trigger.CATCH_UP, True)
    shown = (await api.get(f"/v1/runs/{event.run_id}")).json()
    assert (shown["check_everything"], shown["found"]) == (True, None)
    assert (await api.post(check)).json()["run_id"] == event.run_id, "it is under way"


async def test_p28_a_catch_up_that_is_cancelled_before_it_is_asked_for_gives_its_check_up(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    await held_before_it_began(api, body, rig)
    later = rig.beside(jitter_seconds=DAY)
    await rig.reconnect()
    await later.jobs.tick()
    catch_up = (await api.get("/v1/runs")).json()["items"][0]
    assert catch_up["check_everything"]
    cancelled = await api.post(f"/v1/runs/{catch_up['id']}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    assert len(await rig.events(SyncRequested)) == 1


async def test_p28_a_run_that_goes_on_with_a_check_is_shown_as_one(rig: Rig) -> None:
    """Another run was stopped in the middle of it: its catch-up has inherited the rest."""
    _, run = await rig.requested()
    assert not run.check_everything
    await found(rig, run)
    assert (await rig.run(run.id)).check_everything
