"""What the revocation mail needs from others, and what it does when they are away."""

import re
from datetime import timedelta
from typing import Any

import pytest
from mail_catcher import html_of, recipient_of, text_of
from notifier_events import NOW
from notifier_rig import EVE, Rig, held_sync
from tablesync.contracts import (
    ConnectionReconnected,
    ConnectionRemoved,
    ConnectionRevoked,
    Gap,
    Hold,
    HoldKind,
    RevocationAnnounced,
    RunStatus,
)
from tablesync.contracts.internal_api import CatchUp
from tablesync.service_kit.mongo import changes
from tablesync.test_kit import eventually
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = pytest.mark.integration
HELP = "https://tablesync.test/help"
DASHBOARD = "https://tablesync.test/"


async def test_it_names_the_account_the_syncs_and_carries_one_fresh_link(rig: Rig) -> None:
    names = ["Контакты", "连接", "العملاء", "Ö <b>fett</b>"]
    rig.know_syncs(*(held_sync(f"syn_0{n}", name=name) for n, name in enumerate(names)))
    rig.know_syncs(*(held_sync(f"syn_{n}") for n in range(10, 20)))
    async with rig.working(help_url=HELP, notifier_dashboard_url=DASHBOARD):
        await rig.take(rig.events.connection(ConnectionRevoked))
        (mail,) = await rig.mail_came("revocation")
    (link,) = rig.auth.links
    text, html = text_of(mail), html_of(mail)
    assert mail["Subject"] == "HubSpot “Acme Europe” is disconnected: 14 syncs are on hold"
    assert link in text.splitlines()
    assert f'<a class="button" href="{link}"' in html
    assert ">Reconnect HubSpot</a>" in html
    assert all(name in text for name in names)
    assert "and 4 more" in text
    assert "and 4 more" in html
    assert "Ö &lt;b&gt;fett&lt;/b&gt;" in html
    assert "The TableSync app was uninstalled at HubSpot." in text
    assert f"{HELP}/causes/app-uninstalled" in text
    assert f'<a href="{HELP}/causes/app-uninstalled"' in html
    page = f"{DASHBOARD}w/ws_1/connections/con_1"
    assert page in text.split()
    assert f'<a href="{page}"' in html


async def test_no_sync_that_is_stopped_is_promised_a_slot(rig: Rig) -> None:
    ours = held_sync("syn_0").hold
    assert ours
    by_mapping = Hold(kind=HoldKind.MAPPING, connection_id="con_1", cause="Gone.", since=NOW)
    elsewhere = ours.model_copy(update={"connection_id": "con_airtable"})
    rig.know_syncs(
        held_sync("syn_1", name="Ours"),
        affected_sync("syn_2", name="Unmarked"),
        held_sync("syn_3", name="Paused", status="paused"),
        held_sync("syn_4", name="Both", holds=[ours, elsewhere]),
        held_sync("syn_5", name="Unmapped", holds=[ours, by_mapping]),
        held_sync("syn_6", name="Earlier", hold=by_mapping, next_slot_at=NOW),
    )
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        (mail,) = await rig.mail_came("revocation")
    looked_at = (
        "what it needs is there again (looked at every 15 minutes, less often after tries in "
        "vain, and at once when its mapping is saved again)"
    )
    told = {
        "Ours": "runs once you reconnect",
        "Unmarked": "runs once you reconnect",
        "Paused": "paused; runs again once somebody resumes it and its connection is reconnected",
        "Both": "on hold; runs again once both its connections are reconnected",
        "Unmapped": "on hold; runs again once its connection is reconnected and " + looked_at,
        "Earlier": "on hold; runs again once its connection is reconnected and " + looked_at,
    }
    for text in (text_of(mail), html_of(mail)):
        shown = " ".join(re.sub("<[^>]*>", " ", text).replace("- ", "").split())
        for name, words in told.items():
            assert f"{name} ({words})" in shown or f"{name} {words}" in shown, shown
        assert "due" not in shown
        assert "slot" not in shown
    assert mail["Subject"].endswith("5 syncs are on hold"), "what is paused stood still before"


async def test_what_a_newer_version_has_written_is_mailed_about_all_the_same(rig: Rig) -> None:
    await rig.take(rig.events.connection(ConnectionRevoked))
    strange = {"provider": "moon", "cause": "eclipse", "phase": "new"}
    await rig.database["incidents"].update_many({}, {"$set": strange})
    async with rig.working():
        (mail,) = await rig.mail_came("revocation")
        (incident,) = await rig.incidents()
    assert mail["Subject"] == "moon “Acme Europe” is disconnected"
    assert "moon no longer gives TableSync access." in text_of(mail)
    assert incident["cause"] == "eclipse"


async def test_without_scheduler_it_goes_out_without_the_list(rig: Rig) -> None:
    await rig.scheduler.stop()
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        (mail,) = await rig.mail_came("revocation")
    assert "The list of syncs was not available" in text_of(mail)
    assert rig.auth.links[-1] in text_of(mail)


async def test_without_a_link_it_waits_and_then_says_so(rig: Rig) -> None:
    rig.know_syncs(held_sync("syn_1"))
    rig.auth.makes_links = False
    async with rig.working(notifier_dashboard_url=DASHBOARD):
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.job_is({"waits_for": "auth-service’s reconnect link"})
        (mail,) = await rig.mail_came("revocation")
    assert "A one-click link" in text_of(mail)
    assert f"Reconnect on its page, whenever you like: {DASHBOARD}w/ws_1" in text_of(mail)
    assert 'class="button"' not in html_of(mail)


async def test_p20_its_link_is_good_for_whom_it_is_sent_to(rig: Rig) -> None:
    rig.smtp.refused = {"ada@acme.test"}
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        (mail,) = await rig.mail_came("revocation")
    assert recipient_of(mail) == "eve@acme.test"
    assert rig.auth.links_for == ["op_ada", "op_eve"]
    assert rig.auth.links[-1] in text_of(mail)


async def test_p20_who_was_removed_while_it_waited_is_sent_no_mail(rig: Rig) -> None:
    """Between the question whom to tell and the wish for a link: the next one asks again."""
    rig.auth.makes_links = False
    async with rig.working(notifier_link_wait_seconds=600.0):
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.job_is({"waits_for": "auth-service’s reconnect link"})
        rig.auth.members["ws_1"] = [EVE]
        rig.auth.makes_links = True
        (mail,) = await rig.mail_came("revocation")
    assert recipient_of(mail) == "eve@acme.test"
    assert rig.auth.links_for == ["op_eve"]


async def test_without_auth_service_it_waits_for_it(rig: Rig) -> None:
    await rig.auth.stop()
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.job_is({"attempts": {"$gte": 1}})
        await rig.auth.start()
        await rig.mail_came("revocation")


async def test_reminders_climb_their_ladder_until_the_connection_is_back(rig: Rig) -> None:
    async with rig.working(notifier_reminder_seconds=(0.5, 1.0, 600.0)):
        await rig.take(rig.events.connection(ConnectionRevoked))
        first, second = await rig.mail_came("reminder", 2)
        await rig.take(rig.events.connection(ConnectionReconnected, grant_version=2))
        await rig.mail_came("recovery")
        pending = {"kind": "reminder", "status": "pending"}
        assert await rig.mails.count_documents(pending) == 0
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Subject"].startswith("Reminder: HubSpot “Acme Europe” has been disconnected for")
    assert len(set(rig.auth.links)) == 3


async def test_an_operators_own_act_and_an_announced_loss_open_none(rig: Rig) -> None:
    by_operator = rig.events.connection(ConnectionRevoked, status="disconnected", cause="operator")
    soon: dict[str, Any] = {"planned_for": by_operator.changed_at + timedelta(hours=1)}
    announced = rig.events.connection(
        RevocationAnnounced, "con_2", status="connected", cause=None, **soon
    )
    follows = rig.events.connection(ConnectionRevoked, "con_2")
    async with rig.working():
        await rig.take(by_operator, announced, follows)
        await rig.jobs_rest()
        assert await rig.incidents() == []
        again = rig.events.connection(ConnectionReconnected, "con_2", grant_version=2)
        await rig.take(again, rig.events.connection(ConnectionRevoked, "con_2", grant_version=2))
        await rig.mail_came("revocation")
    assert len(rig.smtp.mails) == 1


@pytest.mark.parametrize("seen", [True, False])
async def test_a_reconnect_whose_event_was_lost_ends_an_announcement_too(
    rig: Rig, seen: bool
) -> None:
    """Reconciliation tells bare states, of which it may have missed the connected one."""
    soon: dict[str, Any] = {"planned_for": NOW + timedelta(hours=1)}
    announced = rig.events.connection(RevocationAnnounced, **soon)
    await rig.take(announced, rig.events.connection(ConnectionRevoked))
    back = rig.events.connection(ConnectionReconnected, grant_version=2)
    lost_again = rig.events.connection(ConnectionRevoked, grant_version=2)
    async with rig.running("worker", "ticker", notifier_reconcile_seconds=0.2):
        if seen:
            rig.auth.know(back)
            known = {"sequence": back.sequence}
            await eventually(lambda: rig.database["connections"].find_one(known))
        rig.auth.know(lost_again)
        (mail,) = await rig.mail_came("revocation")
        (incident,) = await rig.incidents()
    assert (incident["id"], incident["status"]) == (mail["X-TableSync-Incident"], "open")
    assert len(rig.smtp.mails) == 1


async def test_a_refreshed_grant_does_not_end_an_announcement(rig: Rig) -> None:
    soon: dict[str, Any] = {"planned_for": NOW + timedelta(hours=1)}
    await rig.take(
        rig.events.connection(RevocationAnnounced, **soon),
        rig.events.connection(ConnectionRevoked, grant_version=4),
    )
    async with rig.working():
        await rig.jobs_rest()
        assert await rig.incidents() == []


async def test_an_announcement_does_not_cover_the_loss_of_a_later_grant(rig: Rig) -> None:
    """All of the planned reconnect was missed, and now the grant that it brought is lost."""
    announced = rig.events.connection(RevocationAnnounced, planned_for=NOW + timedelta(hours=1))
    moment = NOW + timedelta(days=3)
    lost, told_again = (
        rig.events.connection(ConnectionRevoked, grant_version=2, changed_at=moment)
        for _ in range(2)
    )
    async with rig.working():
        await rig.take(announced, lost, told_again)
        (mail,) = await rig.mail_came("revocation")
        await rig.jobs_rest()
        (incident,) = await rig.incidents()
    assert (incident["id"], incident["status"]) == (mail["X-TableSync-Incident"], "open")
    assert len(rig.smtp.mails) == 1


async def test_an_announcement_covers_its_own_grant_however_late_that_is_lost(rig: Rig) -> None:
    announced = rig.events.connection(RevocationAnnounced, planned_for=NOW + timedelta(hours=1))
    lost = rig.events.connection(ConnectionRevoked, changed_at=NOW + timedelta(days=3))
    told_again = rig.events.connection(ConnectionRevoked, changed_at=NOW + timedelta(days=4))
    async with rig.working():
        await rig.take(announced, lost, told_again)
        await rig.jobs_rest()
        assert await rig.incidents() == []


async def test_a_removed_connection_closes_its_incident_silently(rig: Rig) -> None:
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.mail_came("revocation")
        removed = {"status": "disconnected", "cause": "operator"}
        await rig.take(rig.events.connection(ConnectionRemoved, **removed))
        await rig.jobs_rest()
        (incident,) = await rig.incidents()
    assert incident["status"] == "closed"
    assert len(rig.smtp.mails) == 1


async def test_the_recovery_mail_does_not_wait_for_ever(rig: Rig) -> None:
    running = CatchUp(run_id="run_1", status=RunStatus.RUNNING)
    gap = Gap(from_=NOW, slots_missed=0)
    rig.know_syncs(affected_sync("syn_1", gap=gap, catch_up=running))
    async with rig.working(notifier_recovery_wait_seconds=1.0):
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.mail_came("revocation")
        await rig.take(rig.events.connection(ConnectionReconnected, grant_version=2))
        (mail,) = await rig.mail_came("recovery")
    assert "still catching up" in text_of(mail)


async def test_a_refused_owner_is_followed_by_the_next_recipient(rig: Rig) -> None:
    rig.smtp.refused = {"ada@acme.test"}
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        (mail,) = await rig.mail_came("revocation")
        assert recipient_of(mail) == "eve@acme.test"
        rig.smtp.refused = {"ada@acme.test", "eve@acme.test"}
        await rig.take(rig.events.connection(ConnectionRevoked, "con_2"))
        await rig.jobs_rest()
        newest, _ = await rig.incidents()
    assert newest["mails"][0]["status"] == "undeliverable"


async def test_reconciling_finds_a_loss_whose_event_was_lost(rig: Rig) -> None:
    state = rig.events.connection(ConnectionRevoked)
    rig.auth.know(state)
    async with rig.running("worker", "ticker"):
        await rig.mail_came("revocation")
        (incident,) = await rig.incidents()
    assert incident["connection_id"] == state.connection_id


async def test_sleeping_workers_are_woken_by_what_another_process_plans(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "POLL_SECONDS", 3_600)
    async with rig.working():
        for count, connection_id in enumerate(("con_1", "con_2"), 1):
            await rig.take(rig.events.connection(ConnectionRevoked, connection_id))
            await rig.mail_came("revocation", count)
