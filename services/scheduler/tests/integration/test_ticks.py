"""Slots become runs: each once, none lost, by one ticker or several."""

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from scheduler_rig import Rig
from tablesync.contracts import Overlap, SyncRequested, Trigger
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.store import syncs
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import changes
from tablesync.service_kit.roles import repeat
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import running

pytestmark = pytest.mark.integration


async def test_a_due_slot_becomes_one_request(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=0.5)
    await rig.ticker.tick()
    await rig.ticker.tick()
    (request,) = await rig.requests(sync)
    assert request.trigger is Trigger.SCHEDULE
    assert request.slot == sync.next_slot_at
    assert request.spec == sync.spec()
    assert (await rig.sync(sync)).next_slot_at == sync.next_slot_at + timedelta(hours=1)


async def test_nothing_is_asked_for_before_its_time(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=-2)
    seconds = await rig.ticker.tick()
    assert 0 < seconds <= 2, "the tick itself says when to come back"

    async def asked() -> Any:
        await rig.ticker.tick()
        return await rig.runs(sync)

    (run,) = await eventually(asked)
    assert run.requested_at >= run.slot
    assert len(await rig.requests(sync)) == 1


async def test_a_sleeping_ticker_is_woken_by_what_another_process_plans(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "POLL_SECONDS", 3_600)
    waking = changes.Changes(rig.database)
    woken = waking.wakes(syncs.COLLECTION, syncs.BRINGS_FORWARD)
    paused = await rig.add(due_seconds_ago=0, schedule=Interval(every_seconds=1))
    await rig.units.run(lambda unit: rig.commands.pause(unit, rig.principal, paused.id))
    async with running(
        waking.run, partial(repeat, rig.beside().ticker.tick, name="ticker", woken=woken)
    ):
        created = await rig.add(due_seconds_ago=0)
        await eventually(lambda: rig.runs(created))
        await rig.units.run(lambda unit: rig.commands.resume(unit, rig.principal, paused.id))
        await eventually(lambda: rig.runs(paused))


async def test_slots_missed_while_the_scheduler_was_down_become_one_run(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=4 * 60 + 1, schedule=Interval(every_seconds=60))
    await rig.ticker.tick()
    (run,) = await rig.runs(sync)
    assert run.slot == sync.next_slot_at + timedelta(minutes=4)
    assert run.coalesced_slots == 4
    statement = await rig.ledger(sync)
    assert (statement.due, statement.run, statement.coalesced) == (5, 1, 4)
    assert statement.balanced


async def test_overlap_coalesce_runs_once_more_as_soon_as_the_running_one_ends(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=0, schedule=Interval(every_seconds=60))
    await rig.ticker.tick()
    (first,) = await rig.runs(sync)
    await rig.start(first)
    await rig.pass_time(130)
    await rig.ticker.tick()
    assert len(await rig.runs(sync)) == 1
    await rig.succeed(first)
    _, second = await rig.runs(sync)
    assert second.trigger is Trigger.SCHEDULE
    assert second.coalesced_slots == 1
    assert len(await rig.requests(sync)) == 2
    await rig.succeed(second)
    assert len(await rig.runs(sync)) == 2
    assert (await rig.ledger(sync)).balanced


async def test_overlap_skip_passes_over_and_counts(rig: Rig) -> None:
    sync = await rig.add(
        due_seconds_ago=0, schedule=Interval(every_seconds=60), overlap=Overlap.SKIP
    )
    await rig.ticker.tick()
    (run,) = await rig.runs(sync)
    await rig.pass_time(130)
    await rig.ticker.tick()
    await rig.succeed(run)
    assert len(await rig.runs(sync)) == 1
    statement = await rig.ledger(sync)
    assert (statement.run, statement.skipped) == (1, 2)
    assert statement.balanced


async def test_several_batches_are_claimed_in_one_tick(rig: Rig) -> None:
    await rig.add_many(1_100, due_seconds_ago=1)
    await rig.ticker.tick()
    requests = await rig.events(SyncRequested)
    assert len({each.sync_id for each in requests}) == len(requests) == 1_100


async def test_p11_several_tickers_at_once_ask_for_each_slot_once(
    rig: Rig, mongodb_uri: str
) -> None:
    await rig.add_many(600, due_seconds_ago=1)
    client = mongo.connect(mongodb_uri)
    other = Rig(mongo.open_database(client, rig.database.name))
    tickers = (rig.ticker, other.ticker, other.ticker)

    async def all_are_asked_for() -> bool:
        return len(await rig.events(SyncRequested)) >= 600

    # Each as its role runs it: one that others have kept from its batch comes again.
    async with running(*(partial(repeat, each.tick, name="ticker") for each in tickers)):
        await eventually(all_are_asked_for, timeout=120)
    await rig.ticker.tick()
    client.close()
    requests = await rig.events(SyncRequested)
    slots = Counter((each.sync_id, each.slot) for each in requests)
    assert len(slots) == 600
    assert set(slots.values()) == {1}


async def test_a_due_query_reads_no_more_than_what_is_due(rig: Rig) -> None:
    await rig.add_many(400, due_seconds_ago=-3600)
    await rig.add_many(100, due_seconds_ago=1)
    plan = await rig.database.command(
        "explain",
        {
            "find": "syncs",
            "filter": {"claimable": True, "$expr": {"$lte": ["$due_at", "$$NOW"]}},
            "sort": {"due_at": 1},
            "limit": 500,
        },
        verbosity="executionStats",
    )
    assert plan["executionStats"]["totalDocsExamined"] == 100
    assert plan["executionStats"]["totalKeysExamined"] <= 101
