"""P12: replaying every topic from the start leaves the same state and sends no mail."""

from typing import Any

import pytest
from tablesync.contracts import (
    ConnectionReconnected,
    ConnectionRevoked,
    SyncFailed,
    SyncHeld,
    SyncReleased,
    SyncSucceeded,
)

pytestmark = pytest.mark.integration


async def live_through_everything(world: Any) -> None:
    """One connection is lost and regained, one stays lost; one sync fails, one heals."""
    world.peers.names = {"syn_8": "Failing", "syn_9": "Healing"}
    await world.publish(
        world.connection(ConnectionRevoked),
        world.connection(ConnectionRevoked, "con_2"),
        world.hold(SyncHeld, "syn_1"),
        world.run(SyncFailed, "syn_8", cause="provider"),
        world.run(SyncFailed, "syn_9", cause="provider"),
    )
    await world.mail_came("revocation", 2)
    await world.mail_came("failure", 2)
    await world.publish(
        world.connection(ConnectionReconnected, grant_version=2),
        world.hold(SyncReleased, "syn_1"),
        world.run(SyncSucceeded, "syn_9"),
    )
    await world.mail_came("recovery", 2)
    await world.handled()
    await world.jobs_rest()


async def state(world: Any) -> dict[str, Any]:
    found = await world.snapshot()
    for run in found["runs"]:
        del run["received_at"]
    return found


@pytest.mark.parametrize("inbox", ["kept", "expired"])
async def test_p12_replay_from_the_start_sends_no_mail(world: Any, inbox: str) -> None:
    """Also when the inbox rows have expired: sequences and incident keys are enough."""
    async with world.running():
        await live_through_everything(world)
    before, mails = await state(world), len(world.smtp.mails)

    await world.forget_offsets()
    if inbox == "expired":
        await world.database["inbox"].delete_many({})
    async with world.running():
        await world.handled()
        await world.jobs_rest()

    assert len(world.smtp.mails) == mails == 6
    assert await state(world) == before


async def test_an_older_sequence_is_ignored(world: Any) -> None:
    older = world.connection(ConnectionRevoked)
    newer = world.connection(ConnectionReconnected, grant_version=2)
    async with world.working():
        await world.take(newer, older)
        await world.jobs_rest()
        assert await world.incidents() == []
    assert world.smtp.mails == []
