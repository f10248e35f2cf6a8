"""Other failures: one incident per sync and cause, a digest when many, one line when healed."""

import pytest
from mail_catcher import recipient_of, text_of
from notifier_world import World
from tablesync.contracts import SyncFailed, SyncSucceeded
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = pytest.mark.integration


async def test_one_incident_per_sync_and_cause_until_the_next_success(world: World) -> None:
    world.know_syncs(affected_sync("syn_1", name="Kontakte · 連絡先"))
    async with world.working():
        for _ in range(3):
            await world.take(
                world.events.run(SyncFailed, "syn_1", cause="mapping", summary="No field.")
            )
        (failure,) = await world.mail_came("failure")
        await world.take(world.events.run(SyncFailed, "syn_1", cause="mapping"))
        await world.take(
            world.events.run(SyncSucceeded, "syn_1"), world.events.run(SyncSucceeded, "syn_1")
        )
        (recovery,) = await world.mail_came("recovery")
        await world.jobs_rest()
        (incident,) = await world.incidents()
    assert len(world.smtp.mails) == 2
    assert incident["status"] == "closed"
    assert incident["cause"] == "mapping"
    assert "Kontakte · 連絡先" in failure["Subject"]
    assert "No field." in text_of(failure)
    assert "map the field again" in text_of(failure)
    assert recovery["Subject"] == "Sync “Kontakte · 連絡先” works again"
    asked = [each.query for each in world.auth.asked if "/workspaces/" in each.path]
    assert [query.get("owner_id") for query in asked] == ["op_ada"]


@pytest.mark.parametrize("cause", ["connection", "cancelled", "shutdown"])
async def test_quiet_causes_open_none(world: World, cause: str) -> None:
    async with world.working():
        await world.take(world.events.run(SyncFailed, "syn_1", cause=cause))
        await world.jobs_rest()
        assert await world.incidents() == []
    assert world.smtp.mails == []


async def test_many_failures_share_one_digest_and_their_recoveries_one_mail(world: World) -> None:
    ids = [f"syn_{n:02}" for n in range(14)]
    world.know_syncs(*map(affected_sync, ids))
    await world.take(*(world.events.run(SyncFailed, each, cause="provider") for each in ids))
    async with world.working():
        (digest,) = await world.mail_came("failure")
        await world.jobs_rest()
    await world.take(*(world.events.run(SyncSucceeded, each) for each in ids))
    async with world.working():
        (recovery,) = await world.mail_came("recovery")
        await world.jobs_rest()
        incidents = await world.incidents()
    assert len(world.smtp.mails) == 2
    assert digest["Subject"] == "14 syncs failed"
    assert "and 4 more" in text_of(digest)
    assert recipient_of(digest) == "eve@acme.test"
    assert recovery["Subject"] == "14 syncs work again"
    assert len(incidents) == len(ids)
    assert {mail["message_id"] for each in incidents for mail in each["mails"]} == {
        digest["Message-ID"],
        recovery["Message-ID"],
    }


async def test_what_heals_within_the_window_is_not_mailed(world: World) -> None:
    world.know_syncs(affected_sync("syn_1"))
    await world.take(world.events.run(SyncFailed, "syn_1", cause="provider"))
    await world.take(world.events.run(SyncSucceeded, "syn_1"))
    async with world.working():
        await world.jobs_rest()
        (incident,) = await world.incidents()
    assert (incident["status"], incident["mails"]) == ("closed", [])
    assert world.smtp.mails == []


async def test_a_failure_older_than_the_last_success_opens_none(world: World) -> None:
    old = world.events.run(SyncFailed, "syn_1", cause="provider", ended_at="2026-01-01T00:00:00Z")
    async with world.working():
        await world.take(world.events.run(SyncSucceeded, "syn_1"), old)
        assert await world.incidents() == []


async def test_a_deleted_sync_closes_its_incident_without_a_mail(world: World) -> None:
    async with world.working():
        await world.take(world.events.run(SyncFailed, "syn_gone", cause="resource"))
        await world.jobs_rest()
        (incident,) = await world.incidents()
    assert incident["status"] == "closed"
    assert world.smtp.mails == []


async def test_without_scheduler_the_failure_is_mailed_all_the_same(world: World) -> None:
    await world.scheduler.stop()
    async with world.working():
        await world.take(world.events.run(SyncFailed, "syn_1", cause="internal"))
        (failure,) = await world.mail_came("failure")
    assert "syn_1" in failure["Subject"]
