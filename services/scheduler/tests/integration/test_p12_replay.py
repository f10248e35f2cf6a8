"""P12: replaying every topic from the start leaves the same state."""

from typing import Any

import pytest
from tablesync.contracts import Envelope, Event
from tablesync.scheduler.domain.schedules import Interval
from tablesync.scheduler.settings import NAME, Settings
from tablesync.scheduler.subscriptions import subscriptions
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import running, send

pytestmark = pytest.mark.integration

COLLECTIONS = ("syncs", "connection_holds", "runs", "gaps", "outbox")


async def test_p12_a_replay_of_all_topics_leaves_the_same_state(
    scheduler: Any, kafka_settings: Settings, pass_time: Any
) -> None:
    sent: list[Event] = []
    handle = scheduler.handle

    async def handle_and_keep(event: Event) -> None:
        sent.append(event)
        await handle(event)

    scheduler.handle = handle_and_keep
    await _live_through_a_loss(scheduler, pass_time)
    before = await _dump(scheduler)
    await _replay(scheduler, kafka_settings, sent)
    await scheduler.jobs.tick()
    assert await _dump(scheduler) == before


async def _live_through_a_loss(scheduler: Any, pass_time: Any) -> None:
    interrupted = await scheduler.add(due_seconds_ago=0, schedule=Interval(every_seconds=600))
    missing = await scheduler.add(due_seconds_ago=0, schedule=Interval(every_seconds=600))
    await scheduler.connect()
    await scheduler.ticker.tick()
    (first,), (second,) = await scheduler.runs(interrupted), await scheduler.runs(missing)
    await scheduler.start(first)
    await scheduler.lose()
    await scheduler.jobs.tick()
    await scheduler.interrupt(first)
    await scheduler.fail(second, "resource")
    await pass_time(700)
    await scheduler.reconnect()
    await scheduler.jobs.tick()
    *_, catch_up = await scheduler.runs(interrupted)
    await scheduler.start(catch_up)
    await scheduler.succeed(catch_up)


async def _replay(scheduler: Any, settings: Settings, sent: list[Event]) -> None:
    """Consume everything as a new group with an empty inbox does."""
    consuming = Subscriptions(settings, NAME, scheduler.units, subscriptions(scheduler.handlers))
    async with running(consuming.run):
        await consuming.started.wait()
        await send(settings, *(Envelope(event, "test") for event in sent))
        inbox = scheduler.database["inbox"]

        async def all_handled() -> bool:
            return bool(await inbox.count_documents({}) == len(sent))

        await eventually(all_handled, 30)


async def _dump(scheduler: Any) -> dict[str, list[Any]]:
    """Return all documents; the outbox counts as what it says, published or not."""
    dump = {}
    for name in COLLECTIONS:
        found = await scheduler.database[name].find().sort("_id", 1).to_list(None)
        dump[name] = found
    for state in dump["connection_holds"]:
        # A connected state may ask for another look at held contents; the look changes nothing.
        state.pop("job", None)
    return dump
