"""Other failures: one incident per sync and cause, a digest when many, one line when healed."""

from typing import Any

import pytest
from tablesync.contracts import SyncFailed, SyncSucceeded

pytestmark = pytest.mark.integration


def text_of(mail: Any) -> str:
    text: str = mail.get_body(("plain",)).get_content()
    return text


async def test_one_incident_per_sync_and_cause_until_the_next_success(world: Any) -> None:
    world.peers.names = {"syn_1": "Kontakte · 連絡先"}
    async with world.working():
        for _ in range(3):
            await world.take(world.run(SyncFailed, "syn_1", cause="mapping", summary="No field."))
        (failure,) = await world.mail_came("failure")
        await world.take(world.run(SyncFailed, "syn_1", cause="mapping"))
        await world.take(world.run(SyncSucceeded, "syn_1"), world.run(SyncSucceeded, "syn_1"))
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
    assert world.peers.asked_owner == ["op_ada"]


@pytest.mark.parametrize("cause", ["connection", "cancelled", "shutdown"])
async def test_quiet_causes_open_none(world: Any, cause: str) -> None:
    async with world.working():
        await world.take(world.run(SyncFailed, "syn_1", cause=cause))
        await world.jobs_rest()
        assert await world.incidents() == []
    assert world.smtp.mails == []


async def test_many_failures_share_one_digest_and_their_recoveries_one_mail(world: Any) -> None:
    ids = [f"syn_{n:02}" for n in range(14)]
    world.peers.names = {each: f"Sync {each}" for each in ids}
    await world.take(*(world.run(SyncFailed, each, cause="provider") for each in ids))
    async with world.working():
        (digest,) = await world.mail_came("failure")
        await world.jobs_rest()
    await world.take(*(world.run(SyncSucceeded, each) for each in ids))
    async with world.working():
        (recovery,) = await world.mail_came("recovery")
        await world.jobs_rest()
        incidents = await world.incidents()
    assert len(world.smtp.mails) == 2
    assert digest["Subject"] == "14 syncs failed"
    assert "and 4 more" in text_of(digest)
    assert digest["To"].addresses[0].addr_spec == "eve@acme.test"
    assert recovery["Subject"] == "14 syncs work again"
    assert len(incidents) == len(ids)
    assert {mail["message_id"] for each in incidents for mail in each["mails"]} == {
        digest["Message-ID"],
        recovery["Message-ID"],
    }


async def test_what_heals_within_the_window_is_not_mailed(world: Any) -> None:
    world.peers.names = {"syn_1": "Contacts"}
    await world.take(world.run(SyncFailed, "syn_1", cause="provider"))
    await world.take(world.run(SyncSucceeded, "syn_1"))
    async with world.working():
        await world.jobs_rest()
        (incident,) = await world.incidents()
    assert (incident["status"], incident["mails"]) == ("closed", [])
    assert world.smtp.mails == []


async def test_a_failure_older_than_the_last_success_opens_none(world: Any) -> None:
    old = world.run(SyncFailed, "syn_1", cause="provider", ended_at="2026-01-01T00:00:00Z")
    async with world.working():
        await world.take(world.run(SyncSucceeded, "syn_1"), old)
        assert await world.incidents() == []


async def test_a_deleted_sync_closes_its_incident_without_a_mail(world: Any) -> None:
    async with world.working():
        await world.take(world.run(SyncFailed, "syn_gone", cause="resource"))
        await world.jobs_rest()
        (incident,) = await world.incidents()
    assert incident["status"] == "closed"
    assert world.smtp.mails == []


async def test_without_scheduler_the_failure_is_mailed_all_the_same(world: Any) -> None:
    await world.peers.scheduler.stop()
    async with world.working():
        await world.take(world.run(SyncFailed, "syn_1", cause="internal"))
        (failure,) = await world.mail_came("failure")
    assert "syn_1" in failure["Subject"]
