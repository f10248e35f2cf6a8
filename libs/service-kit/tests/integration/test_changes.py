"""One change stream wakes a process's loops at what any process stores, until it is stopped."""

import asyncio
import threading
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from bson import DatetimeMS, MaxKey, Regex, Timestamp
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.changes import (
    INSERTED,
    POLL_SECONDS,
    Changes,
    seconds_until,
    touching,
)
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually, free_port
from tablesync.test_kit.logs import own_logs
from tablesync.test_kit.messaging import Forwarder, running


@pytest_asyncio.fixture
async def others(settings: ServiceSettings, database: Database) -> AsyncIterator[Database]:
    """Yield the database as another process has it."""
    client = mongo.connect(settings.mongodb_uri)
    yield mongo.open_database(client, database.name)
    client.close()


async def woken_by(event: asyncio.Event) -> None:
    """Wait until the event is set, and clear it, as a loop does before it looks."""
    await asyncio.wait_for(event.wait(), 60)
    event.clear()


def streams() -> set[threading.Thread]:
    """Return the threads that follow a change stream: some of an earlier test may be ending."""
    return {each for each in threading.enumerate() if each.name == "changes"}


async def test_a_change_wakes_whoever_waits(database: Database, others: Database) -> None:
    changes = Changes(database)
    woken, stop = changes.wakes("watched", INSERTED), asyncio.Event()
    watching = asyncio.create_task(changes.run(stop))
    await woken_by(woken)  # the stream is open

    await others["watched"].insert_one({"_id": "one"})
    await woken_by(woken)
    stop.set()
    await asyncio.wait_for(watching, 60)


async def test_a_database_that_is_dropped_and_restored_is_followed_again(
    database: Database, others: Database
) -> None:
    changes = Changes(database)
    woken = changes.wakes("watched")
    async with running(changes.run):
        await woken_by(woken)
        await others.client.drop_database(others.name)
        await woken_by(woken)  # the stream is open anew

        await others["watched"].insert_one({"_id": "one"})
        await woken_by(woken)


async def test_an_unforeseen_error_does_not_end_the_stream_for_good(
    database: Database, others: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, follow, met = Changes(database), Changes._follow_one_stream, threading.Event()
    woken = changes.wakes("watched")

    def fail_once(self: Changes, loop: asyncio.AbstractEventLoop) -> None:
        if not met.is_set():
            met.set()
            raise RuntimeError("unforeseen")
        follow(self, loop)

    monkeypatch.setattr(Changes, "_follow_one_stream", fail_once)
    with own_logs() as logs:
        async with running(changes.run):
            await woken_by(woken)
            await others["watched"].insert_one({"_id": "one"})
            await woken_by(woken)
    told = [each["event"] for each in logs]
    assert told == ["changes not followed, only polled", "changes are followed again"]


async def test_each_is_woken_by_its_own_changes_alone_over_one_stream(
    database: Database, others: Database
) -> None:
    changes, others_own = Changes(database), streams()
    first, second = changes.wakes("first"), changes.wakes("first")
    due = changes.wakes("second", touching("due_at"))
    async with running(changes.run):
        for each in (first, second, due):
            await woken_by(each)
        assert len(streams() - others_own) == 1

        await others["second"].insert_one({"_id": 1})
        await woken_by(due)
        await others["second"].update_one({"_id": 1}, {"$set": {"name": "x"}})
        await others["first"].insert_one({"_id": 1})
        await woken_by(first)
        await woken_by(second)
        assert not due.is_set()
        await others["second"].update_one({"_id": 1}, [{"$set": {"due_at": "$$NOW"}}])
        await woken_by(due)
        assert not first.is_set()


async def test_what_is_stored_while_the_stream_is_broken_wakes_once_it_is_open_again(
    settings: ServiceSettings, database: Database, others: Database
) -> None:
    target = urlsplit(settings.mongodb_uri)
    line = Forwarder(target.hostname or "", target.port or 27017, free_port())
    await line.open()
    client = mongo.connect(f"mongodb://127.0.0.1:{line.port}/?directConnection=true")
    changes = Changes(mongo.open_database(client, database.name))
    woken = changes.wakes("watched", INSERTED)
    async with running(changes.run):
        await woken_by(woken)
        await line.cut()
        await others["watched"].insert_one({"_id": "one"})
        await line.open()
        await woken_by(woken)
        await others["watched"].insert_one({"_id": "two"})
        await woken_by(woken)
    await line.cut()
    client.close()


async def test_the_thread_ends_with_whoever_started_it(database: Database) -> None:
    for end in ("stopped", "cancelled"):
        changes, stop, others_own = Changes(database), asyncio.Event(), streams()
        woken = changes.wakes("watched")
        watching = asyncio.create_task(changes.run(stop))
        await woken_by(woken)
        (thread,) = streams() - others_own
        _ = stop.set() if end == "stopped" else watching.cancel()
        await asyncio.wait([watching])
        await eventually(lambda thread=thread: not thread.is_alive())


async def test_a_loop_may_sleep_until_the_first_is_due_but_never_beyond_the_next_poll(
    database: Database,
) -> None:
    rows = database["jobs"]
    assert await seconds_until(rows, "due_at", {"open": True}) == POLL_SECONDS
    in_ten, in_an_hour = mongo.from_now(10), mongo.from_now(3_600)
    for name, moment, is_open in ("a", in_an_hour, True), ("b", mongo.from_now(5), False):
        await rows.update_one(
            {"_id": name}, [{"$set": {"due_at": moment, "open": is_open}}], upsert=True
        )
    assert await seconds_until(rows, "due_at", {"open": True}) == POLL_SECONDS

    await rows.update_one({"_id": "c"}, [{"$set": {"due_at": in_ten, "open": True}}], upsert=True)
    assert 0 < await seconds_until(rows, "due_at", {"open": True}) <= 10
    await rows.update_one({"_id": "c"}, [{"$set": {"due_at": mongo.from_now(-5)}}])
    assert await seconds_until(rows, "due_at", {"open": True}) == 0
    assert 0 < await seconds_until(rows, "due_at", {"open": True}, later_ms=8_000) <= 3


NO_DATES = (None, "2026-11-26T10:00:00Z", 17, {"of": 1}, [], True)
LATER_THAN_ANY_DATE = (Timestamp(17, 1), Regex("tomorrow"), MaxKey())


@pytest.mark.parametrize("value", [*NO_DATES, ..., DatetimeMS(-(2**63))], ids=repr)
async def test_what_is_no_date_is_due_now_as_the_claims_compare_it(
    database: Database, value: object
) -> None:
    rows = database["jobs"]
    await rows.insert_one({"open": True} if value is ... else {"open": True, "due_at": value})
    due = {"open": True, "$expr": {"$lte": ["$due_at", "$$NOW"]}}
    assert await rows.count_documents(due) == 1
    assert await seconds_until(rows, "due_at", {"open": True}) == 0
    assert await seconds_until(rows, "due_at", {"open": True}, later_ms=8_000) == 0


@pytest.mark.parametrize("value", [*LATER_THAN_ANY_DATE, DatetimeMS(2**63 - 1)], ids=repr)
async def test_what_no_claim_takes_is_waited_for_as_if_it_were_not_there(
    database: Database, value: object
) -> None:
    rows = database["jobs"]
    await rows.insert_one({"open": True, "due_at": value})
    assert await seconds_until(rows, "due_at", {"open": True}) == POLL_SECONDS
