"""P29: a document that cannot be read, or not be worked on, waits by itself; all others go on."""

from typing import Any

import httpx
import pytest
from bson import DatetimeMS
from scheduler_examples import AIRTABLE, HUBSPOT, NOON, a_state, a_sync
from scheduler_rig import Rig
from tablesync.contracts import (
    ConnectionReconnected,
    ConnectionRevoked,
    HoldKind,
    Provider,
    RunFailureCause,
    RunStatus,
    Source,
    SyncRequested,
    SyncStatus,
)
from tablesync.contracts.permissions import required_scopes
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.loops.hold_jobs import CHUNK
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.scheduler.loops.reconciliation import Reconciliation
from tablesync.test_kit.logs import own_logs
from tablesync.test_kit.stand_ins import AuthServiceStandIn, SyncRunnerStandIn, run_state

pytestmark = pytest.mark.integration

MINUTE = Interval(every_seconds=60)


async def spoil(rig: Rig, *syncs: Sync) -> None:
    """Do as a version does that is newer than this one."""
    ids = [each.id for each in syncs]
    await rig.database["syncs"].update_many(
        {"_id": {"$in": ids}}, {"$set": {"overlap": "tomorrow's"}}
    )


async def mend(rig: Rig, *syncs: Sync) -> None:
    """Put right what was spoiled; then a minute passes."""
    ids = [each.id for each in syncs]
    await rig.database["syncs"].update_many(
        {"_id": {"$in": ids}}, {"$set": {"overlap": "coalesce"}}
    )
    await rig.pass_time(61)


async def put(rig: Rig, field: str, value: Any, *syncs: Sync) -> None:
    """Store a field as somebody's hand may leave it; `...` takes it away."""
    change = {"$unset": {field: ""}} if value is ... else {"$set": {field: value}}
    await rig.database["syncs"].update_many({"_id": {"$in": list(ids_of([*syncs]))}}, change)


async def spoil_connection(rig: Rig, connection_id: str) -> None:
    await rig.database["connection_holds"].update_one(
        {"_id": connection_id}, {"$set": {"provider": "moon"}}
    )


async def asked(rig: Rig) -> set[str]:
    return {each.sync_id for each in await rig.events(SyncRequested)}


def ids_of(syncs: list[Sync]) -> set[str]:
    return {each.id for each in syncs}


def alarms(logs: list[Any], id_: str) -> list[Any]:
    return [each for each in logs if each["log_level"] == "error" and each.get("id") == id_]


async def test_p29_a_sync_that_cannot_be_read_stops_no_other_tick_and_comes_back_mended(
    rig: Rig,
) -> None:
    bad = await rig.add(due_seconds_ago=125, schedule=MINUTE)
    healthy = await rig.add_many(20, due_seconds_ago=1)
    await spoil(rig, bad)
    with own_logs() as logs:
        await rig.ticker.tick()
        await rig.pass_time(61)
        await rig.ticker.tick()
    assert await asked(rig) == ids_of(healthy)
    (alarm,) = alarms(logs, bad.id)
    assert alarm["collection"] == "syncs"
    assert "overlap" in alarm["why"]
    assert "tomorrow" not in str(alarm), "a value may be anything"
    await mend(rig, bad)
    await rig.ticker.tick()
    (run,) = await rig.runs(bad)
    assert run.coalesced_slots == 4
    statement = await rig.ledger(bad)
    assert (statement.due, statement.balanced) == (5, True)
    row = await rig.database["syncs"].find_one({"_id": bad.id})
    assert row
    assert "set_aside_at" not in row


@pytest.mark.parametrize("due_at", [None, "2026-11-26T10:00:00Z", 17, ...], ids=repr)
async def test_p29_a_due_time_that_is_no_date_stops_no_tick_and_is_mended_by_it(
    rig: Rig, due_at: Any
) -> None:
    bad = await rig.add(due_seconds_ago=1)
    later = await rig.add(due_seconds_ago=-600)
    healthy = await rig.add_many(3, due_seconds_ago=1)
    await put(rig, "due_at", due_at, bad, later)
    assert await rig.ticker.tick() > 0
    assert await asked(rig) == ids_of([bad, *healthy])
    row = await rig.database["syncs"].find_one({"_id": later.id})
    assert row
    assert row["due_at"] == later.next_slot_at


@pytest.mark.parametrize("due_at", [None, "2026-11-26T10:00:00Z", 17, ...], ids=repr)
async def test_p29_a_sync_of_which_nothing_can_be_read_is_put_back(rig: Rig, due_at: Any) -> None:
    bad = await rig.add(due_seconds_ago=125)
    healthy = await rig.add_many(3, due_seconds_ago=1)
    await spoil(rig, bad)
    await put(rig, "due_at", due_at, bad)
    assert await rig.ticker.tick() > 0
    assert await asked(rig) == ids_of(healthy)
    await mend(rig, bad)
    await rig.ticker.tick()
    assert bad.id in await asked(rig)


@pytest.mark.parametrize("field", ["created_at", "anchor", "next_slot_at"])
@pytest.mark.parametrize("milliseconds", [10**15, -(10**15)], ids=["too late", "too early"])
async def test_p29_a_date_that_python_does_not_know_spoils_its_own_sync_alone(
    rig: Rig, rechecks: Rechecks, api: httpx.AsyncClient, field: str, milliseconds: int
) -> None:
    bad = await rig.add(due_seconds_ago=1)
    healthy = await rig.add_many(3, due_seconds_ago=1)
    await put(rig, field, DatetimeMS(milliseconds), bad)
    await rechecks.tick()
    await rig.ticker.tick()
    listed = (await api.get("/v1/syncs")).raise_for_status().json()
    assert await asked(rig) == ids_of(healthy)
    assert {each["id"] for each in listed["items"]} >= ids_of(healthy)
    assert listed["unread_ids"] == [bad.id]


async def test_p29_more_than_a_batch_that_cannot_be_read_hides_nobody(rig: Rig) -> None:
    bad = await rig.add_many(600, due_seconds_ago=60)
    healthy = await rig.add_many(3, due_seconds_ago=1)
    await spoil(rig, *bad)
    await rig.ticker.tick()
    assert await asked(rig) == ids_of(healthy)


async def test_p29_a_sync_that_fails_at_the_commit_is_claimed_by_itself(rig: Rig) -> None:
    """Its slot has a run already, which the unique index refuses a second time."""
    bad, *healthy = await rig.add_many(10, due_seconds_ago=1)
    await rig.database["runs"].insert_one(
        {"_id": "run_before", "sync_id": bad.id, "slot": bad.next_slot_at}
    )
    with own_logs() as logs:
        await rig.ticker.tick()
    assert await asked(rig) == ids_of(healthy)
    assert len(alarms(logs, bad.id)) == 1
    await rig.database["runs"].delete_one({"_id": "run_before"})
    await rig.pass_time(61)
    await rig.ticker.tick()
    assert bad.id in await asked(rig)


async def test_p29_a_hold_job_passes_over_what_it_cannot_read_and_comes_again(rig: Rig) -> None:
    syncs = await rig.add_many(20, due_seconds_ago=-600)
    bad, *healthy = sorted(syncs, key=lambda each: each.id)
    await spoil(rig, bad)
    await rig.lose()
    await rig.jobs.tick()
    for sync in healthy:
        assert (await rig.sync(sync)).holds
    await mend(rig, bad)
    await rig.jobs.tick()
    assert (await rig.hold_of(bad)).kind is HoldKind.CONNECTION
    await spoil(rig, bad)
    await rig.reconnect()
    await rig.jobs.tick()
    assert not (await rig.sync(healthy[-1])).holds
    await mend(rig, bad)
    await rig.jobs.tick()
    assert not (await rig.sync(bad)).holds, "it is released, though it was spoiled meanwhile"
    assert await rig.store.connections.with_job(10) == []
    assert all([(await rig.ledger(each)).agrees for each in syncs])


async def test_p29_a_hold_job_tells_each_sync_by_itself_where_one_fails(rig: Rig) -> None:
    """A hold without its gap is no state that the code can leave."""
    bad, *healthy = await rig.add_many(5, due_seconds_ago=-600)
    await rig.hold()
    rows = rig.database["syncs"]
    gap = (await rows.find_one({"_id": bad.id}) or {})["missed"]
    await rows.update_one({"_id": bad.id}, {"$set": {"missed": None}})
    with own_logs() as logs:
        await rig.reconnect()
        await rig.jobs.tick()
    assert [(await rig.sync(each)).holds for each in healthy] == [[]] * 4
    assert len(alarms(logs, bad.id)) == 1
    await rows.update_one({"_id": bad.id}, {"$set": {"missed": gap}})
    await rig.pass_time(61)
    await rig.jobs.tick()
    assert not (await rig.sync(bad)).holds


async def test_p29_a_connection_that_cannot_be_read_stops_its_own_syncs_alone(rig: Rig) -> None:
    other = Source(connection_id="con_other", provider="hubspot", object="contacts")
    mine = await rig.add(due_seconds_ago=-5)
    others = await rig.add_many(3, due_seconds_ago=-5, source=other)
    await rig.lose()
    await spoil_connection(rig, HUBSPOT)
    await rig.lose(AIRTABLE)
    await rig.reconnect(AIRTABLE)
    await rig.pass_time(6)
    await rig.jobs.tick()
    await rig.ticker.tick()
    assert await asked(rig) == ids_of(others), "what is lost may not be used, read or not"
    back = await rig.store.connections.get(AIRTABLE)
    assert back
    assert back.job_at, "it comes again for the sync of which it could not tell"
    await rig.handle(a_state(ConnectionReconnected, 10**15, HUBSPOT))
    await rig.pass_time(61)
    await rig.jobs.tick()
    await rig.ticker.tick()
    assert mine.id in await asked(rig), "a newer state takes its place"


async def test_p29_an_older_state_does_not_replace_what_cannot_be_read(rig: Rig) -> None:
    await rig.lose()
    await spoil_connection(rig, HUBSPOT)
    with pytest.raises(Exception, match="cannot be read"):
        await rig.handle(a_state(ConnectionReconnected, 2, HUBSPOT))
    row = await rig.database["connection_holds"].find_one({"_id": HUBSPOT})
    assert row
    assert row["status"] == "revoked"


async def held_for_its_contents(rig: Rig) -> Sync:
    sync, run = await rig.requested()
    await rig.fail(run, RunFailureCause.RESOURCE)
    await rig.recheck_now(sync)
    return sync


async def test_p29_a_sync_that_cannot_be_read_stops_no_recheck(
    rig: Rig, rechecks: Rechecks
) -> None:
    bad, good = await held_for_its_contents(rig), await held_for_its_contents(rig)
    await spoil(rig, bad)
    await rechecks.tick()
    assert not (await rig.sync(good)).holds
    await mend(rig, bad)
    await rechecks.tick()
    assert not (await rig.sync(bad)).holds


@pytest.mark.parametrize("recheck_at", [None, "2026-11-26T10:00:00Z", 17, ...], ids=repr)
async def test_p29_a_recheck_at_no_moment_stops_no_other(
    rig: Rig, rechecks: Rechecks, recheck_at: Any
) -> None:
    bad, good = await held_for_its_contents(rig), await held_for_its_contents(rig)
    await put(rig, "recheck_at", recheck_at, bad)
    assert await rechecks.tick() > 0
    assert not (await rig.sync(good)).holds


@pytest.mark.parametrize("job_at", [None, "2026-11-26T10:00:00Z", 17, ...], ids=repr)
async def test_p29_a_hold_job_that_is_due_at_no_moment_is_done(rig: Rig, job_at: Any) -> None:
    syncs = await rig.add_many(3, due_seconds_ago=-600)
    await rig.lose()
    change = {"$unset": {"job_at": ""}} if job_at is ... else {"$set": {"job_at": job_at}}
    await rig.database["connection_holds"].update_one({"_id": HUBSPOT}, change)
    assert await rig.jobs.tick() > 0
    assert [(await rig.sync(each)).status for each in syncs] == [SyncStatus.HELD] * 3


async def test_p29_a_run_that_cannot_be_read_stops_no_reconciliation(
    rig: Rig, reconciliation: Reconciliation, sync_runner: SyncRunnerStandIn
) -> None:
    (_, bad), (_, of_bad_sync), (_, good) = [await rig.requested() for _ in range(3)]
    await rig.pass_time(130)
    now = await rig.store.now()  # one that ended long ago would expire at any moment
    for run in (bad, of_bad_sync, good):
        sync_runner.runs[run.id] = run_state(
            run.id, sync_id=run.sync_id, status=RunStatus.SUCCEEDED, ended_at=now
        )
    await rig.database["runs"].update_one({"_id": bad.id}, {"$set": {"trigger": "moon"}})
    await rig.database["syncs"].update_one({"_id": of_bad_sync.sync_id}, {"$set": {"overlap": "x"}})
    await reconciliation.runs()
    assert (await rig.run(good.id)).ended
    await rig.database["runs"].update_one({"_id": bad.id}, {"$set": {"trigger": "schedule"}})
    await rig.database["syncs"].update_one(
        {"_id": of_bad_sync.sync_id}, {"$set": {"overlap": "skip"}}
    )
    await rig.pass_time(130)
    await reconciliation.runs()
    assert (await rig.run(bad.id)).ended
    assert (await rig.run(of_bad_sync.id)).ended


async def test_p29_what_cannot_be_read_of_a_connection_stops_no_reconciliation_and_is_mended_by_it(
    rig: Rig, reconciliation: Reconciliation, auth_service: AuthServiceStandIn
) -> None:
    await rig.database["connection_holds"].update_one(
        {"_id": HUBSPOT}, {"$set": {"provider": "moon", "sequence": "none"}}
    )
    for number, connection_id in enumerate((HUBSPOT, AIRTABLE)):
        auth_service.know(a_state(ConnectionRevoked, 50 + number, connection_id, NOON))
    await reconciliation.connections()
    for connection_id in (HUBSPOT, AIRTABLE):
        known = await rig.store.connections.get(connection_id)
        assert known
        assert known.held, "and what could not be read is known again"


async def test_p29_a_sync_that_no_job_can_tell_keeps_no_other_from_its_catch_up(
    rig: Rig, reconciliation: Reconciliation
) -> None:
    """The job begins again at the chunk of the unreadable one, and comes to no earlier sync."""
    sync, run = await rig.requested()
    *_, bad = await rig.add_many(CHUNK, due_seconds_ago=-600)
    await spoil(rig, bad)
    await rig.release(scopes=required_scopes(Provider.HUBSPOT))
    await rig.interrupt(run)
    await reconciliation.connections()
    assert len(await rig.catch_ups(sync)) == 1


async def test_p29_lists_show_what_can_be_read_and_name_the_rest(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    bad, good = await rig.add_many(2, due_seconds_ago=-600)
    await spoil(rig, bad)
    listed = (await api.get("/v1/syncs")).json()
    assert [each["id"] for each in listed["items"]] == [good.id]
    assert listed["unread_ids"] == [bad.id]
    answer = await api.get(f"/v1/syncs/{bad.id}/ledger")
    assert answer.status_code == 500, "its books cannot be told, balanced or not"
    assert answer.json()["type"] == "urn:tablesync:problem:unreadable-document"
    foreign = a_sync(workspace_id="ws_other")
    await rig.database["syncs"].insert_one({**foreign.to_document(), "overlap": "x"})
    assert (await api.get(f"/v1/syncs/{foreign.id}")).status_code == 404


async def test_p29_p10_a_ledger_that_no_tick_looked_at_is_not_balanced(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    sync = await rig.add(due_seconds_ago=0, schedule=MINUTE)
    await rig.ticker.tick()
    told = (await api.get(f"/v1/syncs/{sync.id}/ledger")).json()
    assert (told["balanced"], told["unaccounted"]) == (True, 0)
    await rig.pass_time(300)
    told = (await api.get(f"/v1/syncs/{sync.id}/ledger")).json()
    assert (told["balanced"], told["unaccounted"], told["due"]) == (False, 5, 1)
    await rig.ticker.tick()
    told = (await api.get(f"/v1/syncs/{sync.id}/ledger")).json()
    assert (told["balanced"], told["unaccounted"], told["due"]) == (True, 0, 6)


async def test_p29_a_sync_shows_no_held_status_it_has_not(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=-600)
    await rig.lose()
    (view,) = await rig.queries.views([sync])
    assert view.status is SyncStatus.HELD
    await spoil_connection(rig, HUBSPOT)
    (view,) = await rig.queries.views([await rig.sync(sync)])
    assert view.status is SyncStatus.ACTIVE, "nobody can say here what holds it"
