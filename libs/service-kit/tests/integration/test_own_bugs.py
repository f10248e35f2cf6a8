"""P13: a handler's own bug parks its message within 30 s, in whatever way it shows."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from tablesync.contracts import RunCancelRequested
from tablesync.service_kit.messaging.consumer import CONSUMED
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import running, send

Effects = Callable[..., Awaitable[list[str]]]
Bug = Callable[[UnitOfWork], Awaitable[None]]


async def conflicts_with_itself(unit: UnitOfWork) -> None:
    """Forget `session=` in one of two writes to a document that was read before."""
    rows = unit.database["counters"]
    await rows.find_one({"_id": "x"}, session=unit.session)
    await rows.update_one({"_id": "x"}, {"$inc": {"n": 1}}, upsert=True)
    await rows.update_one({"_id": "x"}, {"$inc": {"n": 1}}, session=unit.session)


async def waits_for_itself(unit: UnitOfWork) -> None:
    """Forget `session=` in the second write."""
    rows = unit.database["counters"]
    await rows.update_one({"_id": "x"}, {"$inc": {"n": 1}}, upsert=True, session=unit.session)
    await rows.update_one({"_id": "x"}, {"$inc": {"n": 1}}, upsert=True)


async def blocks_at_once_and_hangs(_: UnitOfWork) -> None:
    time.sleep(3)  # noqa: ASYNC251 - the bug
    await asyncio.Event().wait()


async def blocks_late_and_hangs(_: UnitOfWork) -> None:
    await asyncio.sleep(0.5)
    time.sleep(3)  # noqa: ASYNC251 - the bug
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    "bug",
    [
        conflicts_with_itself,
        waits_for_itself,
        blocks_at_once_and_hangs,
        blocks_late_and_hangs,
    ],
)
async def test_p13_a_handlers_own_bug_parks_its_message_within_30_seconds(
    settings: ServiceSettings, event, new_subscriptions, effects: Effects, bug: Bug
) -> None:
    """With attempts as long as services make them."""
    began: list[float] = []

    async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
        if event.run_id == "run_bad":
            began.append(time.monotonic())
            await bug(unit)
        await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)

    await ensure_topics(settings, "sync-runner")
    await send(settings, event("run_bad"), event("run_2"))
    subscriptions = new_subscriptions(handle)
    async with running(subscriptions.run):
        await eventually(lambda: effects(1), timeout=90)
        seconds = time.monotonic() - began[0]
        letters = await subscriptions.dead_letters.list("sync-requests")
    assert await effects() == ["run_2"]
    assert len(letters) == 1
    assert seconds <= 30


async def test_p13_what_a_killed_process_has_locked_parks_nothing(
    settings: ServiceSettings, database: Database, event, new_subscriptions, effects: Effects
) -> None:
    """MongoDB keeps its transaction open for a minute, and all that it wrote with it."""
    rows = database["counters"]
    await rows.insert_one({"_id": "x", "n": 0})

    async def handle(event: RunCancelRequested, unit: UnitOfWork) -> None:
        await unit.database["counters"].update_one(
            {"_id": "x"}, {"$inc": {"n": 1}}, session=unit.session
        )
        await unit.database["effects"].insert_one({"run_id": event.run_id}, session=unit.session)

    await ensure_topics(settings, "sync-runner")
    await send(settings, event("run_1"))
    kept = CONSUMED.labels("sync-requests", "kept")._value
    before = kept.get()
    subscriptions = new_subscriptions(handle, settings=settings.with_(message_attempt_seconds=2.5))
    async with running(subscriptions.run):
        async with await database.client.start_session() as killed:
            killed.start_transaction()
            await rows.update_one({"_id": "x"}, {"$inc": {"n": 5}}, session=killed)
            await eventually(lambda: kept.get() > before + 2, timeout=90)
        await eventually(lambda: effects(1), timeout=90)
    assert await subscriptions.dead_letters.list("sync-requests") == []
    assert await rows.find_one({"_id": "x"}) == {"_id": "x", "n": 1}
