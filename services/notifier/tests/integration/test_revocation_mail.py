"""What the revocation mail needs from others, and what it does when they are away."""

from datetime import timedelta

import pytest
from mail_catcher import html_of, recipient_of, text_of
from notifier_events import NOW
from notifier_world import World, held_sync
from tablesync.contracts import (
    ConnectionReconnected,
    ConnectionRemoved,
    ConnectionRevoked,
    Gap,
    RevocationAnnounced,
    RunStatus,
)
from tablesync.contracts.internal_api import CatchUp
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = pytest.mark.integration


async def test_it_names_the_account_the_syncs_and_carries_one_fresh_link(world: World) -> None:
    names = ["Контакты", "连接", "العملاء", "Ö <b>fett</b>"]
    world.know_syncs(*(held_sync(f"syn_{n}", name=name) for n, name in enumerate(names)))
    world.know_syncs(*(held_sync(f"syn_{n}") for n in range(10, 20)))
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        (mail,) = await world.mail_came("revocation")
    (link,) = world.auth.links
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


async def test_what_a_newer_version_has_written_is_mailed_about_all_the_same(world: World) -> None:
    await world.take(world.events.connection(ConnectionRevoked))
    strange = {"provider": "moon", "cause": "eclipse", "phase": "new"}
    await world.database["incidents"].update_many({}, {"$set": strange})
    async with world.working():
        (mail,) = await world.mail_came("revocation")
        (incident,) = await world.incidents()
    assert mail["Subject"] == "moon “Acme Europe” is disconnected"
    assert "moon no longer gives TableSync access." in text_of(mail)
    assert incident["cause"] == "eclipse"


async def test_without_scheduler_it_goes_out_without_the_list(world: World) -> None:
    await world.scheduler.stop()
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        (mail,) = await world.mail_came("revocation")
    assert "The list of syncs was not available" in text_of(mail)
    assert world.auth.links[-1] in text_of(mail)


async def test_without_a_link_it_waits_and_then_says_so(world: World) -> None:
    world.know_syncs(held_sync("syn_1"))
    world.auth.makes_links = False
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        await world.job_is({"waits_for": "auth-service’s reconnect link"})
        (mail,) = await world.mail_came("revocation")
    assert "A one-click link" in text_of(mail)
    assert 'class="button"' not in html_of(mail)


async def test_without_auth_service_it_waits_for_it(world: World) -> None:
    await world.auth.stop()
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        await world.job_is({"attempts": {"$gte": 1}})
        await world.auth.start()
        await world.mail_came("revocation")


async def test_reminders_climb_their_ladder_until_the_connection_is_back(world: World) -> None:
    async with world.working(notifier_reminder_seconds=(0.5, 1.0, 600.0)):
        await world.take(world.events.connection(ConnectionRevoked))
        first, second = await world.mail_came("reminder", 2)
        await world.take(world.events.connection(ConnectionReconnected, grant_version=2))
        await world.mail_came("recovery")
        pending = {"kind": "reminder", "status": "pending"}
        assert await world.mails.count_documents(pending) == 0
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Subject"].startswith("Reminder: HubSpot “Acme Europe” has been disconnected for")
    assert len(set(world.auth.links)) == 3


async def test_an_operators_own_act_and_an_announced_loss_open_none(world: World) -> None:
    by_operator = world.events.connection(
        ConnectionRevoked, status="disconnected", cause="operator"
    )
    soon = {"planned_for": by_operator.changed_at + timedelta(hours=1)}
    announced = world.events.connection(
        RevocationAnnounced, "con_2", status="connected", cause=None, **soon
    )
    follows = world.events.connection(ConnectionRevoked, "con_2")
    async with world.working():
        await world.take(by_operator, announced, follows)
        await world.jobs_rest()
        assert await world.incidents() == []
        again = world.events.connection(ConnectionReconnected, "con_2", grant_version=2)
        await world.take(
            again, world.events.connection(ConnectionRevoked, "con_2", grant_version=2)
        )
        await world.mail_came("revocation")
    assert len(world.smtp.mails) == 1


async def test_a_removed_connection_closes_its_incident_silently(world: World) -> None:
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        await world.mail_came("revocation")
        removed = {"status": "disconnected", "cause": "operator"}
        await world.take(world.events.connection(ConnectionRemoved, **removed))
        await world.jobs_rest()
        (incident,) = await world.incidents()
    assert incident["status"] == "closed"
    assert len(world.smtp.mails) == 1


async def test_the_recovery_mail_does_not_wait_for_ever(world: World) -> None:
    running = CatchUp(run_id="run_1", status=RunStatus.RUNNING)
    gap = Gap(from_=NOW, slots_missed=0)
    world.know_syncs(affected_sync("syn_1", gap=gap, catch_up=running))
    async with world.working(notifier_recovery_wait_seconds=1.0):
        await world.take(world.events.connection(ConnectionRevoked))
        await world.mail_came("revocation")
        await world.take(world.events.connection(ConnectionReconnected, grant_version=2))
        (mail,) = await world.mail_came("recovery")
    assert "still catching up" in text_of(mail)


async def test_a_refused_owner_is_followed_by_the_next_recipient(world: World) -> None:
    world.smtp.refused = {"ada@acme.test"}
    async with world.working():
        await world.take(world.events.connection(ConnectionRevoked))
        (mail,) = await world.mail_came("revocation")
        assert recipient_of(mail) == "eve@acme.test"
        world.smtp.refused = {"ada@acme.test", "eve@acme.test"}
        await world.take(world.events.connection(ConnectionRevoked, "con_2"))
        await world.jobs_rest()
        newest, _ = await world.incidents()
    assert newest["mails"][0]["status"] == "undeliverable"


async def test_reconciling_finds_a_loss_whose_event_was_lost(world: World) -> None:
    state = world.events.connection(ConnectionRevoked)
    world.auth.know(state)
    async with world.running("worker", "ticker"):
        await world.mail_came("revocation")
        (incident,) = await world.incidents()
    assert incident["connection_id"] == state.connection_id
