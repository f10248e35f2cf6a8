"""P12: replaying every topic from the start leaves the same state and sends no mail."""

from typing import Any

import pytest
from notifier_world import World
from tablesync.contracts import (
    ConnectionReconnected,
    ConnectionRevoked,
    SyncFailed,
    SyncHeld,
    SyncReleased,
    SyncSucceeded,
)
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = pytest.mark.integration


async def live_through_everything(world: World) -> None:
    """One connection is lost and regained, one stays lost; one sync fails, one heals."""
    world.know_syncs(affected_sync("syn_8"), affected_sync("syn_9"), connection_id="con_9")
    await world.publish(
        world.events.connection(ConnectionRevoked),
        world.events.connection(ConnectionRevoked, "con_2"),
        world.events.hold(SyncHeld, "syn_1"),
        world.events.run(SyncFailed, "syn_8", cause="provider"),
        world.events.run(SyncFailed, "syn_9", cause="provider"),
    )
    await world.mail_came("revocation", 2)
    await world.mail_came("failure", 2)
    await world.publish(
        world.events.connection(ConnectionReconnected, grant_version=2),
        world.events.hold(SyncReleased, "syn_1"),
        world.events.run(SyncSucceeded, "syn_9"),
    )
    await world.mail_came("recovery", 2)
    await world.groups.caught_up()
    await world.jobs_rest()


async def state(world: World) -> dict[str, Any]:
    found = await world.snapshot()
    for run in found["runs"]:
        del run["received_at"]
    return found


@pytest.mark.parametrize("inbox", ["kept", "expired"])
async def test_p12_replay_from_the_start_sends_no_mail(world: World, inbox: str) -> None:
    """Also when the inbox rows have expired: sequences and incident keys are enough."""
    async with world.running():
        await live_through_everything(world)
    before, mails = await state(world), len(world.smtp.mails)

    await world.groups.begin_anew()
    if inbox == "expired":
        await world.database["inbox"].delete_many({})
    async with world.running():
        await world.groups.caught_up()
        await world.jobs_rest()

    assert len(world.smtp.mails) == mails == 6
    assert await state(world) == before


async def test_an_older_sequence_is_ignored(world: World) -> None:
    older = world.events.connection(ConnectionRevoked)
    newer = world.events.connection(ConnectionReconnected, grant_version=2)
    async with world.working():
        await world.take(newer, older)
        await world.jobs_rest()
        assert await world.incidents() == []
    assert world.smtp.mails == []
