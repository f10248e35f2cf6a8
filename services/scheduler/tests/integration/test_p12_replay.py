"""P12: replaying every topic from the start leaves the same state."""

from typing import Any

import pytest
from scheduler_rig import Rig
from tablesync.contracts import Envelope, RunFailureCause
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.settings import NAME, Settings
from tablesync.scheduler.subscriptions import subscriptions
from tablesync.service_kit.messaging.broker import Subscriptions
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import running, send

pytestmark = pytest.mark.integration

COLLECTIONS = ("syncs", "connection_holds", "runs", "gaps", "outbox")


async def test_p12_a_replay_of_all_topics_leaves_the_same_state(
    rig: Rig, kafka_settings: Settings
) -> None:
    await _live_through_a_loss(rig)
    before = await _dump(rig)
    await _replay(rig, kafka_settings)
    await rig.jobs.tick()
    assert await _dump(rig) == before


async def _live_through_a_loss(rig: Rig) -> None:
    interrupted = await rig.add(due_seconds_ago=0, schedule=Interval(every_seconds=600))
    missing = await rig.add(due_seconds_ago=0, schedule=Interval(every_seconds=600))
    await rig.ticker.tick()
    (first,), (second,) = await rig.runs(interrupted), await rig.runs(missing)
    await rig.start(first)
    await rig.lose()
    await rig.jobs.tick()
    await rig.interrupt(first)
    await rig.fail(second, RunFailureCause.RESOURCE)
    await rig.pass_time(700)
    await rig.reconnect()
    await rig.jobs.tick()
    *_, catch_up = await rig.runs(interrupted)
    await rig.start(catch_up)
    await rig.succeed(catch_up)


async def _replay(rig: Rig, settings: Settings) -> None:
    """Consume everything as a new group with an empty inbox does."""
    consuming = Subscriptions(settings, NAME, rig.units, subscriptions(rig.handlers))
    async with running(consuming.run):
        await consuming.started.wait()
        await send(settings, *(Envelope(event, "test") for event in rig.handled))
        inbox = rig.database["inbox"]

        async def all_handled() -> bool:
            return bool(await inbox.count_documents({}) == len(rig.handled))

        await eventually(all_handled)


async def _dump(rig: Rig) -> dict[str, list[Any]]:
    """Return all documents; the outbox counts as what it says, published or not."""
    dump = {}
    for name in COLLECTIONS:
        found = await rig.database[name].find().sort("_id", 1).to_list(None)
        dump[name] = found
    for state in dump["connection_holds"]:
        # A connected state may ask for another look at held contents; the look changes nothing.
        state.pop("job", None)
    return dump
