"""P12: replaying every topic from the start leaves the same state and sends no mail."""

from typing import Any

import pytest
from notifier_rig import Rig
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


async def live_through_everything(rig: Rig) -> None:
    """One connection is lost and regained, one stays lost; one sync fails, one heals."""
    rig.know_syncs(affected_sync("syn_8"), affected_sync("syn_9"), connection_id="con_9")
    await rig.publish(
        rig.events.connection(ConnectionRevoked),
        rig.events.connection(ConnectionRevoked, "con_2"),
        rig.events.hold(SyncHeld, "syn_1"),
        rig.events.run(SyncFailed, "syn_8", cause="provider"),
        rig.events.run(SyncFailed, "syn_9", cause="provider"),
    )
    await rig.mail_came("revocation", 2)
    await rig.mail_came("failure", 2)
    await rig.publish(
        rig.events.connection(ConnectionReconnected, grant_version=2),
        rig.events.hold(SyncReleased, "syn_1"),
        rig.events.run(SyncSucceeded, "syn_9"),
        rig.events.hold(SyncHeld, "syn_7"),
        rig.events.run(SyncFailed, "syn_7", cause="provider"),
        rig.events.deletion("syn_7"),
    )
    await rig.mail_came("recovery", 2)
    await rig.groups.caught_up()
    await rig.jobs_rest()


async def state(rig: Rig) -> dict[str, Any]:
    found = await rig.snapshot()
    for run in found["runs"]:
        del run["received_at"]
    return found


@pytest.mark.parametrize("inbox", ["kept", "expired"])
async def test_p12_replay_from_the_start_sends_no_mail(rig: Rig, inbox: str) -> None:
    """Also when the inbox rows have expired: sequences and incident keys are enough."""
    async with rig.running():
        await live_through_everything(rig)
    before, mails = await state(rig), len(rig.smtp.mails)

    await rig.groups.begin_anew()
    if inbox == "expired":
        await rig.database["inbox"].delete_many({})
    async with rig.running():
        await rig.groups.caught_up()
        await rig.jobs_rest()

    assert len(rig.smtp.mails) == mails == 6
    assert await state(rig) == before


async def test_an_older_sequence_is_ignored(rig: Rig) -> None:
    older = rig.events.connection(ConnectionRevoked)
    newer = rig.events.connection(ConnectionReconnected, grant_version=2)
    async with rig.working():
        await rig.take(newer, older)
        await rig.jobs_rest()
        assert await rig.incidents() == []
    assert rig.smtp.mails == []
