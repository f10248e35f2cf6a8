"""Deleted syncs: what is open about them is closed, and nobody is mailed, whatever comes late."""

import pytest
from mail_catcher import text_of
from notifier_rig import Rig
from tablesync.contracts import ConnectionRevoked, SyncFailed, SyncHeld, SyncSucceeded
from tablesync.notifier.store import Store
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = pytest.mark.integration


async def test_sync_changed_to_deleted_drops_the_failure_mail_that_waits(rig: Rig) -> None:
    """Scheduler is away: it is the event that tells of the deletion."""
    await rig.scheduler.stop()
    await rig.take(
        rig.events.run(SyncFailed, "syn_1", cause="provider"),
        rig.events.run(SyncFailed, "syn_1", cause="resource"),
        rig.events.deletion("syn_1"),
    )
    async with rig.working():
        await rig.jobs_rest()
        incidents = await rig.incidents()
    assert [(each["status"], each["mails"]) for each in incidents] == [("closed", [])] * 2
    assert rig.smtp.mails == []


async def test_a_mailed_incident_of_a_deleted_sync_is_closed_without_another_mail(rig: Rig) -> None:
    rig.know_syncs(affected_sync("syn_1"), affected_sync("syn_2"))
    async with rig.working():
        await rig.take(rig.events.run(SyncFailed, "syn_1", cause="provider"))
        await rig.mail_came("failure")
        await rig.take(rig.events.deletion("syn_1"))
        await rig.jobs_rest()
        (incident,) = await rig.incidents()
    assert incident["status"] == "closed"
    assert len(rig.smtp.mails) == 1


async def test_a_deleted_sync_is_left_out_of_the_digest_that_carries_it(rig: Rig) -> None:
    ids = [f"syn_{n}" for n in range(7)]
    rig.know_syncs(*map(affected_sync, ids))
    await rig.take(*(rig.events.run(SyncFailed, each, cause="provider") for each in ids))
    await rig.take(rig.events.deletion("syn_3"))
    async with rig.working():
        (digest,) = await rig.mail_came("failure")
        await rig.jobs_rest()
    assert digest["Subject"] == "6 syncs failed"
    assert len(rig.smtp.mails) == 1


async def test_what_comes_after_the_deletion_opens_nothing(rig: Rig) -> None:
    held = rig.events.hold(SyncHeld, "syn_1")
    await rig.scheduler.stop()
    async with rig.working():
        await rig.take(
            rig.events.deletion("syn_1"),
            rig.events.run(SyncFailed, "syn_1", cause="provider"),
            held,
        )
        await rig.jobs_rest()
        assert await rig.incidents() == []
    assert await Store(rig.database).holds_by("con_1") == []
    assert rig.smtp.mails == []


async def test_a_deleted_sync_is_not_told_to_work_again(rig: Rig) -> None:
    """It was healed, and deleted before the mail about that was due."""
    rig.know_syncs(affected_sync("syn_1", name="Contacts"), affected_sync("syn_2", name="Deals"))
    async with rig.working():
        failures = [rig.events.run(SyncFailed, f"syn_{n}", cause="provider") for n in (1, 2)]
        await rig.take(*failures)
        await rig.mail_came("failure", 2)
    await rig.take(*(rig.events.run(SyncSucceeded, f"syn_{n}") for n in (1, 2)))
    await rig.take(rig.events.deletion("syn_1"))
    del rig.scheduler.syncs["syn_1"]
    async with rig.working():
        (recovery,) = await rig.mail_came("recovery")
        await rig.jobs_rest()
    assert recovery["Subject"] == "Sync “Deals” works again"
    assert "syn_1" not in text_of(recovery)


async def test_a_deletion_leaves_the_incident_of_its_connection_open(rig: Rig) -> None:
    lost = rig.events.connection(ConnectionRevoked)
    async with rig.working():
        await rig.take(lost, rig.events.hold(SyncHeld, "syn_1"), rig.events.deletion("syn_1"))
        await rig.mail_came("revocation")
        (incident,) = await rig.incidents()
    assert (incident["kind"], incident["status"]) == ("connection", "open")
