"""The relay: nothing is lost, a key stays in order, and no key stops another."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymongo.errors import NetworkTimeout
from tablesync.contracts import RunCancelRequested
from tablesync.service_kit.messaging.kafka import MESSAGE_MAX_BYTES, ensure_topics, new_producer
from tablesync.service_kit.messaging.outbox import Row
from tablesync.service_kit.messaging.relay import BATCH, Relay
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.leases import Leases
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.logs import own_logs
from tablesync.test_kit.messaging import read_all, running

STUCK_RELAY = Path(__file__).parent / "relay_that_stops_before_marking.py"


async def publish(units: UnitsOfWork, *events: RunCancelRequested) -> None:
    async def work(unit: UnitOfWork) -> None:
        unit.publish(*events)

    await units.run(work)


def pending(database: Database) -> Callable[[], Awaitable[int]]:
    return lambda: database["outbox"].count_documents({"pending": True})


@asynccontextmanager
async def stuck_relay(
    settings: ServiceSettings, database: Database
) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {name.upper(): str(value) for name, value in settings if value is not None}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(STUCK_RELAY),
        database.name,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_p11_a_relay_killed_between_publish_and_mark_loses_nothing(
    settings, units: UnitsOfWork, relay, event, new_subscriptions, effects
) -> None:
    database = units.database
    await ensure_topics(settings, "scheduler")
    await publish(units, event("run_1", "syn_1").event, event("run_2", "syn_2").event)
    async with stuck_relay(settings, database) as process:
        assert process.stdout is not None
        async with asyncio.timeout(90):
            await process.stdout.readuntil(b"published 2\n")
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert await pending(database)() == 2
    await publish(units, event("run_3", "syn_1").event)

    async with running(relay.run, new_subscriptions().run):
        await eventually(lambda: effects(3), timeout=90)
        await eventually(lambda: _none(pending(database)))
    assert sorted(await effects()) == ["run_1", "run_2", "run_3"]
    assert len(await read_all(settings, "sync-requests")) == 5


async def _none(count: Callable[[], Awaitable[int]]) -> bool:
    return await count() == 0


async def test_a_keys_rows_go_out_by_sequence_whatever_the_commit_order(
    settings, database: Database, units, relay: Relay, event
) -> None:
    await ensure_topics(settings, "scheduler")
    await publish(units, *(event(f"run_{n}").event for n in range(3)))
    for number in range(3):
        await database["outbox"].update_one(
            {"value": {"$exists": True}, "sequence": {"$gt": 10}},
            {"$set": {"sequence": 3 - number}},
        )
    rows = await database["outbox"].find().sort("sequence", 1).to_list(None)
    async with running(relay.run):
        await eventually(lambda: _none(pending(database)))
    assert [each.value for each in await read_all(settings, "sync-requests")] == [
        row["value"] for row in rows
    ]


async def test_p11_a_key_that_cannot_be_published_stops_no_other(
    settings, database: Database, units, relay: Relay, event
) -> None:
    await ensure_topics(settings, "scheduler")
    await publish(units, *(event(f"run_{n}", f"syn_{n}").event for n in range(20)))
    await publish(units, event("run_after", "syn_0").event)
    too_large = {"$set": {"value": b"x" * (MESSAGE_MAX_BYTES * 2)}}
    await database["outbox"].update_one({"key": "syn_0", "headers.1": {"$exists": True}}, too_large)
    async with running(relay.run):
        await eventually(lambda: _is(2, pending(database)))
        await publish(units, event("run_later", "syn_9").event)
        await eventually(lambda: _is(21, lambda: _published(database)))
    left = await database["outbox"].distinct("key", {"pending": True})
    assert left == ["syn_0"]
    assert len(await read_all(settings, "sync-requests")) == 20


async def _is(expected: int, count: Callable[[], Awaitable[int]]) -> bool:
    return await count() == expected


async def _published(database: Database) -> int:
    return await database["outbox"].count_documents({"published_at": {"$exists": True}}) + 1


ODD_ROWS: dict[str, Document] = {
    "no key": {"key": ...},
    "key is null": {"key": None},
    "key is a number": {"key": 7},
    "key is an object": {"key": {"a": 1}},
    "no value": {"value": ...},
    "value is a number": {"value": 7},
    "no headers": {"headers": ...},
    "headers are an object": {"headers": {"a": "b"}},
    "a header is bytes": {"headers": [["a", b"\xff"]]},
    "no topic": {"topic": ...},
    "topic is a number": {"topic": 7},
    "topic of another version": {"topic": "no-such-topic"},
    "id is an object": {"_id": {"a": 1}, "key": None},
}


def odd_row(number: int, changes: Document) -> Document:
    """Return a row that somebody's hand, or another version, has written."""
    row = {
        "_id": f"odd_{number}",
        "pending": True,
        "topic": "sync-requests",
        "key": "syn_1",
        "sequence": 1,
        "headers": [],
        "value": b"odd",
        **changes,
    }
    return {name: value for name, value in row.items() if value is not ...}


@pytest.mark.parametrize("changes", ODD_ROWS.values(), ids=[*ODD_ROWS])
async def test_p29_a_row_that_cannot_be_read_stops_nobody_and_goes_out_once_mended(
    settings, database: Database, units, event, monkeypatch: pytest.MonkeyPatch, changes: Document
) -> None:
    """Not even the rows of its own key that come after it."""
    for each in ("REST_SECONDS", "POLL_SECONDS"):
        monkeypatch.setattr(f"tablesync.service_kit.messaging.relay.{each}", 0.1)
    await ensure_topics(settings, "scheduler")
    odd = odd_row(0, changes)
    await database["outbox"].insert_one(odd)
    await publish(units, event("run_1", "syn_1").event, event("run_2", "syn_2").event)
    relay = Relay(database, lambda: new_producer(settings), settings.kafka_topic_prefix)
    with own_logs() as logs:
        async with running(relay.run):
            await eventually(lambda: _is(1, pending(database)))
            left = await database["outbox"].find({"pending": True}).to_list(None)
            assert left == [odd]
            mended = odd_row(0, {"_id": odd["_id"]})
            await database["outbox"].replace_one({"_id": odd["_id"]}, mended)
            await eventually(lambda: _none(pending(database)))
    (alarm,) = [each for each in logs if each["log_level"] == "error"]
    assert (alarm["collection"], alarm["id"]) == ("outbox", str(odd["_id"]))
    assert len(await read_all(settings, "sync-requests")) == 3


async def test_p29_more_rows_than_a_batch_that_cannot_be_read_hide_nobody(
    settings, database: Database, units, relay: Relay, event
) -> None:
    await ensure_topics(settings, "scheduler")
    many = 2 * BATCH + 1
    await database["outbox"].insert_many(odd_row(n, {"key": None}) for n in range(many))
    await publish(units, event("run_1").event)
    async with running(relay.run):
        await eventually(lambda: _is(many, pending(database)))
    assert len(await read_all(settings, "sync-requests")) == 1


class HeavyRows(Relay):
    """A relay whose rows are so large that ten are all that MongoDB brings in time."""

    async def _pending(self, limit: int) -> dict[str, list[Row]]:
        if limit > 10:
            raise NetworkTimeout("timed out")
        return await super()._pending(limit)


async def test_p11_more_rows_than_can_be_read_in_time_are_read_a_few_at_a_time(
    settings, database: Database, units, event
) -> None:
    await ensure_topics(settings, "scheduler")
    await publish(units, *(event(f"run_{n}", f"syn_{n}").event for n in range(25)))
    relay = HeavyRows(database, lambda: new_producer(settings), settings.kafka_topic_prefix)
    async with running(relay.run):
        await eventually(lambda: _none(pending(database)))
    assert len(await read_all(settings, "sync-requests")) == 25


async def test_one_relay_is_active_and_the_other_takes_over(
    settings, database: Database, units, relay: Relay, event
) -> None:
    await ensure_topics(settings, "scheduler")
    leases = Leases(database)
    lease = await leases.acquire("relay", 60)
    assert lease is not None
    async with running(relay.run):
        await publish(units, event().event)
        row = await database["leases"].find_one({"_id": "relay"})
        assert row is not None
        assert row["fence"] == lease.fence
        assert await pending(database)() == 1
        await leases.release(lease)
        await eventually(lambda: _none(pending(database)))


async def test_a_relay_that_lost_its_lease_stops_and_takes_it_up_again_when_free(
    settings, database: Database, units, relay: Relay, event
) -> None:
    """What a long pause of the process does: another has had the lease meanwhile."""
    await ensure_topics(settings, "scheduler")
    async with running(relay.run):
        await publish(units, event("run_1").event)
        await eventually(lambda: _none(pending(database)))
        await database["leases"].update_one(
            {"_id": "relay"}, [{"$set": {"owner": "another", "fence": {"$add": ["$fence", 1]}}}]
        )
        taken = await eventually(lambda: _fence(database, 3), timeout=90)
        assert taken
        await publish(units, event("run_2").event)
        await eventually(lambda: _none(pending(database)))


async def _fence(database: Database, at_least: int) -> bool:
    row = await database["leases"].find_one({"_id": "relay"})
    return row is not None and row["fence"] >= at_least
