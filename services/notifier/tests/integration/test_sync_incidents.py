"""Other failures: one incident per sync and cause, a digest when many, one line when healed."""

from typing import TypeVar

import pytest
from mail_catcher import html_of, recipient_of, text_of
from notifier_events import NOW
from notifier_rig import Rig
from tablesync.contracts import (
    Hold,
    HoldKind,
    SyncFailed,
    SyncHeld,
    SyncReleased,
    SyncSucceeded,
)
from tablesync.contracts.sync_events import SyncHoldEvent
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = pytest.mark.integration

H = TypeVar("H", bound=SyncHoldEvent)


async def test_one_incident_per_sync_and_cause_until_the_next_success(rig: Rig) -> None:
    rig.know_syncs(affected_sync("syn_1", name="Kontakte · 連絡先"))
    places = {
        "help_url": "https://tablesync.test/help/",
        "notifier_dashboard_url": "https://tablesync.test",
    }
    async with rig.working(**places):
        for _ in range(3):
            await rig.take(
                rig.events.run(SyncFailed, "syn_1", cause="mapping", summary="No field.")
            )
        (failure,) = await rig.mail_came("failure")
        await rig.take(rig.events.run(SyncFailed, "syn_1", cause="mapping"))
        await rig.take(
            rig.events.run(SyncSucceeded, "syn_1"), rig.events.run(SyncSucceeded, "syn_1")
        )
        (recovery,) = await rig.mail_came("recovery")
        await rig.jobs_rest()
        (incident,) = await rig.incidents()
    assert len(rig.smtp.mails) == 2
    assert incident["status"] == "closed"
    assert incident["cause"] == "mapping"
    assert "Kontakte · 連絡先" in failure["Subject"]
    assert "No field." in text_of(failure)
    assert "map it again" in text_of(failure)
    explained = "https://tablesync.test/help/waiting/mapping"
    assert f"More about this: {explained}" in text_of(failure)
    assert f'<a href="{explained}"' in html_of(failure)
    assert incident["help"] == explained
    page = "https://tablesync.test/w/ws_1/syncs/syn_1"
    for mail in (failure, recovery):
        assert page in text_of(mail).split()
        assert f'<a href="{page}"><bdi>Kontakte · 連絡先</bdi></a>' in html_of(mail)
    assert recovery["Subject"] == "Sync “Kontakte · 連絡先” works again"
    asked = [each.query for each in rig.auth.asked if "/workspaces/" in each.path]
    assert [query.get("owner_id") for query in asked] == ["op_ada"]


@pytest.mark.parametrize(
    ("status", "kinds", "then"),
    [
        ("active", [], "It runs again at its next slot."),
        ("paused", [], "It is paused; runs again once somebody resumes it."),
        (
            "held",
            [HoldKind.CONNECTION],
            "It is on hold; runs again once its connection is reconnected.",
        ),
    ],
)
async def test_what_happens_next_is_what_does(
    rig: Rig, status: str, kinds: list[HoldKind], then: str
) -> None:
    """It failed, and was paused or held before the mail was written."""
    holds = [Hold(kind=each, cause="gone", since=NOW) for each in kinds]
    rig.know_syncs(affected_sync("syn_1", status=status, holds=holds))
    async with rig.working():
        await rig.take(rig.events.run(SyncFailed, "syn_1", cause="provider"))
        (mail,) = await rig.mail_came("failure")
    assert f"What happens next: {then}" in text_of(mail)


LACKS = "TableSync was not allowed to read deals at HubSpot: reconnect HubSpot and allow it."


def lacking(rig: Rig, kind: type[H], sync_id: str) -> H:
    """Make a hold for a scope that was left out, or its end."""
    hold = Hold(
        kind=HoldKind.RESOURCE, connection_id="con_1", cause=LACKS, since=NOW, lacks=("deals",)
    )
    return rig.events.hold(kind, sync_id, hold=hold)


async def test_p06_what_was_left_out_is_mailed_before_any_run_and_once_it_is_allowed(
    rig: Rig,
) -> None:
    held = lacking(rig, SyncHeld, "syn_1")
    rig.know_syncs(affected_sync("syn_1", name="Deals", status="held", holds=[held.hold]))
    async with rig.working():
        await rig.take(held, held)
        (mail,) = await rig.mail_came("failure")
        (told,) = await rig.incidents()
        released = lacking(rig, SyncReleased, "syn_1")
        await rig.take(released, held, released)
        (recovery,) = await rig.mail_came("recovery")
        await rig.jobs_rest()
        (incident,) = await rig.incidents()
    assert mail["Subject"] == (
        "Sync “Deals” is on hold: a permission or base that it needs was left out"
    )
    for said in (
        LACKS,
        "A sync is on hold",
        "allow or choose what is named",
        "all of that allowed",
    ):
        assert said in text_of(mail)
    assert "failed" not in text_of(mail)
    assert (told["cause"], told["status"]) == ("not_granted", "open")
    assert recovery["Subject"] == "Sync “Deals” works again"
    assert incident["status"] == "closed"
    assert len(rig.smtp.mails) == 2


async def test_p06_what_was_allowed_before_its_mail_went_out_is_mailed_to_nobody(rig: Rig) -> None:
    rig.know_syncs(affected_sync("syn_1"))
    await rig.take(lacking(rig, SyncHeld, "syn_1"), lacking(rig, SyncReleased, "syn_1"))
    async with rig.working():
        await rig.jobs_rest()
    assert rig.smtp.mails == []


USED_UP = Hold(kind=HoldKind.QUOTA, cause="The daily limit is used up.", since=NOW)


@pytest.mark.parametrize("kind", [SyncHeld, SyncReleased])
async def test_p06_what_was_left_out_is_over_once_another_hold_is_told(
    rig: Rig, kind: type[SyncHoldEvent]
) -> None:
    """Of several holds one event tells: what it does not name is over, but for a connection's."""
    rig.know_syncs(affected_sync("syn_1"))
    await rig.take(lacking(rig, SyncHeld, "syn_1"))
    await rig.take(rig.events.hold(kind, "syn_1", hold=USED_UP))
    async with rig.working():
        await rig.jobs_rest()
        (incident,) = await rig.incidents()
    assert incident["status"] == "closed"
    assert rig.smtp.mails == []


async def test_p06_what_was_left_out_lasts_through_a_loss_and_ends_with_it(rig: Rig) -> None:
    rig.know_syncs(affected_sync("syn_1"))
    async with rig.working():
        await rig.take(lacking(rig, SyncHeld, "syn_1"), rig.events.hold(SyncHeld, "syn_1"))
        await rig.mail_came("failure")
        assert [each["status"] for each in await rig.incidents()] == ["open"]
        await rig.take(rig.events.hold(SyncReleased, "syn_1"))
        await rig.mail_came("recovery")
        assert [each["status"] for each in await rig.incidents()] == ["closed"]


@pytest.mark.parametrize("met_first", [True, False])
async def test_p17_what_a_run_meets_of_what_was_left_out_is_told_by_one_mail(
    rig: Rig, met_first: bool
) -> None:
    rig.know_syncs(affected_sync("syn_1"))
    met = rig.events.run(SyncFailed, "syn_1", cause="resource", connection_id="con_1")
    held = lacking(rig, SyncHeld, "syn_1")
    await rig.take(*((met, held) if met_first else (held, met)))
    async with rig.working():
        (mail,) = await rig.mail_came("failure")
        await rig.jobs_rest()
    assert LACKS in text_of(mail)
    assert len(rig.smtp.mails) == 1


async def test_p06_the_mail_and_the_incident_tell_what_is_lacking_now(rig: Rig) -> None:
    rig.know_syncs(affected_sync("syn_1"))
    base = Hold(
        kind=HoldKind.RESOURCE,
        connection_id="con_airtable",
        cause="The base appAcme0000000001 was not chosen.",
        since=NOW,
        lacks=("appAcme0000000001",),
    )
    await rig.take(lacking(rig, SyncHeld, "syn_1"), rig.events.hold(SyncHeld, "syn_1", hold=base))
    async with rig.working():
        (mail,) = await rig.mail_came("failure")
        (incident,) = await rig.incidents()
    assert base.cause in text_of(mail)
    assert LACKS not in text_of(mail)
    assert incident["connection_id"] == "con_airtable"


async def test_p06_many_that_lack_the_same_share_one_digest(rig: Rig) -> None:
    ids = [f"syn_{n:02}" for n in range(14)]
    rig.know_syncs(*map(affected_sync, ids))
    await rig.take(*(lacking(rig, SyncHeld, each) for each in ids))
    async with rig.working():
        (digest,) = await rig.mail_came("failure")
        await rig.jobs_rest()
    assert digest["Subject"] == "14 syncs are on hold"
    assert len(rig.smtp.mails) == 1


@pytest.mark.parametrize("cause", ["connection", "cancelled", "shutdown"])
async def test_quiet_causes_open_none(rig: Rig, cause: str) -> None:
    async with rig.working():
        await rig.take(rig.events.run(SyncFailed, "syn_1", cause=cause))
        await rig.jobs_rest()
        assert await rig.incidents() == []
    assert rig.smtp.mails == []


async def test_many_failures_share_one_digest_and_their_recoveries_one_mail(rig: Rig) -> None:
    ids = [f"syn_{n:02}" for n in range(14)]
    rig.know_syncs(*map(affected_sync, ids))
    await rig.take(*(rig.events.run(SyncFailed, each, cause="provider") for each in ids))
    async with rig.working():
        (digest,) = await rig.mail_came("failure")
        await rig.jobs_rest()
    await rig.take(*(rig.events.run(SyncSucceeded, each) for each in ids))
    async with rig.working():
        (recovery,) = await rig.mail_came("recovery")
        await rig.jobs_rest()
        incidents = await rig.incidents()
    assert len(rig.smtp.mails) == 2
    assert digest["Subject"] == "14 syncs failed"
    assert "and 4 more" in text_of(digest)
    assert recipient_of(digest) == "eve@acme.test"
    assert recovery["Subject"] == "14 syncs work again"
    assert len(incidents) == len(ids)
    assert {mail["message_id"] for each in incidents for mail in each["mails"]} == {
        digest["Message-ID"],
        recovery["Message-ID"],
    }


async def test_what_heals_within_the_window_is_not_mailed(rig: Rig) -> None:
    rig.know_syncs(affected_sync("syn_1"))
    await rig.take(rig.events.run(SyncFailed, "syn_1", cause="provider"))
    await rig.take(rig.events.run(SyncSucceeded, "syn_1"))
    async with rig.working():
        await rig.jobs_rest()
        (incident,) = await rig.incidents()
    assert (incident["status"], incident["mails"]) == ("closed", [])
    assert rig.smtp.mails == []


async def test_a_failure_older_than_the_last_success_opens_none(rig: Rig) -> None:
    old = rig.events.run(SyncFailed, "syn_1", cause="provider", ended_at="2026-01-01T00:00:00Z")
    async with rig.working():
        await rig.take(rig.events.run(SyncSucceeded, "syn_1"), old)
        assert await rig.incidents() == []


async def test_a_deleted_sync_closes_its_incident_without_a_mail(rig: Rig) -> None:
    async with rig.working():
        await rig.take(rig.events.run(SyncFailed, "syn_gone", cause="resource"))
        await rig.jobs_rest()
        (incident,) = await rig.incidents()
    assert incident["status"] == "closed"
    assert rig.smtp.mails == []


async def test_without_scheduler_the_failure_is_mailed_all_the_same(rig: Rig) -> None:
    await rig.scheduler.stop()
    async with rig.working():
        await rig.take(rig.events.run(SyncFailed, "syn_1", cause="internal"))
        (failure,) = await rig.mail_came("failure")
    assert "syn_1" in failure["Subject"]
