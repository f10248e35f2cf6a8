"""One incident and one mail for a lost connection, one more when everything has caught up."""

from datetime import datetime
from typing import Any

import pytest
from mail_catcher import html_of, recipient_of, text_of
from notifier_rig import Rig, held_sync
from tablesync.contracts import (
    ConnectionReconnected,
    ConnectionRevoked,
    RunStatus,
    SyncFailed,
    SyncHeld,
    SyncInterrupted,
    SyncReleased,
    SyncStatus,
    SyncSucceeded,
)
from tablesync.contracts.internal_api import AFFECTED_LIMIT, CatchUp
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.test_kit import eventually
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = pytest.mark.integration
LOST_AT = "2026-11-22T19:29:00Z"
SYNCS = ("syn_1", "syn_2", "syn_3")
GAP = {"from": "2026-11-22T19:30:00Z", "to": "2026-11-22T19:42:00Z", "slots_missed": 12}


async def lose(rig: Rig) -> None:
    rig.know_syncs(*(held_sync(each) for each in SYNCS))
    await rig.publish(rig.events.connection(ConnectionRevoked, changed_at=LOST_AT))
    await rig.publish(*(rig.events.hold(SyncHeld, each) for each in SYNCS))


async def regain(rig: Rig) -> None:
    """Reconnect; each sync is released with a catch-up of 1,200 records, which succeeds."""
    await rig.publish(rig.events.connection(ConnectionReconnected, grant_version=2))
    for each in SYNCS:
        run_id = f"run_{each}"
        released = rig.events.hold(SyncReleased, each, gap=GAP, catch_up_run_id=run_id)
        ended = rig.events.run(
            SyncSucceeded,
            each,
            run_id=run_id,
            trigger="catch_up",
            counts={"read": 1300, "written": 1200, "unchanged": 100},
        )
        catch_up = CatchUp(run_id=run_id, status=RunStatus.RUNNING)
        rig.know_syncs(affected_sync(each, catch_up=catch_up))
        await rig.publish(released, ended)


async def test_p17_one_incident_and_one_mail_however_many_syncs_fail(rig: Rig) -> None:
    async with rig.running():
        await lose(rig)
        failures = [
            rig.events.run(SyncFailed, f"syn_{n}", cause="connection", connection_id="con_1")
            for n in range(50)
        ]
        stops = [rig.events.run(SyncInterrupted, each, connection_id="con_1") for each in SYNCS]
        await rig.publish(*failures, *stops)
        await rig.groups.caught_up()
        await rig.jobs_rest()

        (incident,) = await rig.incidents()
        (mail,) = rig.smtp.mails
        assert (incident["kind"], incident["status"]) == ("connection", "open")
        assert incident["mails"][0]["message_id"] == mail["Message-ID"]
        assert mail["X-TableSync-Incident"] == incident["id"]
        assert mail["X-TableSync-Kind"] == "revocation"
        assert recipient_of(mail) == "ada@acme.test"


async def test_p17_one_recovery_mail_when_all_catch_ups_ended(rig: Rig) -> None:
    async with rig.running(notifier_dashboard_url="https://tablesync.test"):
        await lose(rig)
        await rig.mail_came("revocation")
        await regain(rig)
        await rig.mail_came("recovery")
        await rig.groups.caught_up()
        await rig.jobs_rest()

        (incident,) = await rig.incidents()
        revocation, recovery = rig.smtp.mails
        text = text_of(recovery)
        assert incident["status"] == "closed"
        assert recovery["In-Reply-To"] == revocation["Message-ID"]
        assert "3 syncs have caught up" in recovery["Subject"]
        assert "3,600 records written" in text
        since = unix_milliseconds(datetime.fromisoformat(LOST_AT))
        receipt = f"https://tablesync.test/w/ws_1/connections/con_1/receipts/{since}"
        assert f"The receipt of this outage: {receipt}" in text
        assert f'<a href="{receipt}">' in html_of(recovery)
        assert "1,200 records written, 100 unchanged" in text
        assert "19:30–19:42 UTC on 22 November 2026 (12 minutes), 12 missed slots" in text


@pytest.mark.parametrize(
    ("missed", "said_of_it"),
    [
        ({"slots_missed": 1}, ", 1 missed slot"),
        ({"slots_missed": 0, "interrupted": True}, ", a run cut short"),
        ({"slots_missed": 2, "interrupted": True}, ", 2 missed slots and a run cut short"),
    ],
)
async def test_a_sync_that_was_paused_while_on_hold_is_not_said_to_have_caught_up(
    rig: Rig, missed: dict[str, Any], said_of_it: str
) -> None:
    async with rig.working():
        rig.know_syncs(held_sync("syn_1"))
        lost = rig.events.connection(ConnectionRevoked, changed_at="2026-11-22T19:29:00Z")
        await rig.take(lost, rig.events.hold(SyncHeld, "syn_1"))
        await rig.mail_came("revocation")
        rig.know_syncs(affected_sync("syn_1", status=SyncStatus.PAUSED))
        gap = {"from": "2026-11-22T19:30:00Z", "to": "2026-11-22T19:42:00Z", **missed}
        released = rig.events.hold(SyncReleased, "syn_1", gap=gap)
        await rig.take(rig.events.connection(ConnectionReconnected, grant_version=2), released)
        (mail,) = await rig.mail_came("recovery")
    assert mail["Subject"] == "HubSpot “Acme Europe” is connected again"
    for part in (text_of(mail), html_of(mail)):
        said = " ".join(part.split())
        assert "not every sync has caught up yet" in said
        assert said_of_it in said
        assert "once resumed, its next run brings what it missed" in said
        assert "What is paused stays so until somebody resumes it." in said
        assert "missed nothing" not in said
        assert "have caught up with" not in said
        assert "Nothing is left" not in said


async def test_a_recovery_of_thousands_is_waited_for_by_counts_and_listed_once(rig: Rig) -> None:
    ids = [f"syn_{number:03}" for number in range(AFFECTED_LIMIT + 50)]
    rig.know_syncs(*(held_sync(each) for each in ids))
    lost_at = "2026-11-22T19:29:00Z"
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked, changed_at=lost_at))
        (lost,) = await rig.mail_came("revocation")
        running = CatchUp(run_id="run_x", status=RunStatus.RUNNING)
        rig.know_syncs(*(affected_sync(each, catch_up=running, gap=GAP) for each in ids))
        listed = rig.scheduler.times("/affected-syncs")
        await rig.take(rig.events.connection(ConnectionReconnected, grant_version=2))
        await eventually(lambda: rig.scheduler.times("/catch-ups") >= 2)
        assert rig.scheduler.times("/affected-syncs") == listed, "nobody needs the list yet"
        ended = CatchUp(run_id="run_x", status=RunStatus.SUCCEEDED)
        rig.know_syncs(*(affected_sync(each, catch_up=ended, gap=GAP) for each in ids))
        (back,) = await rig.mail_came("recovery")
    assert "300 syncs are on hold" in lost["Subject"]
    assert "300 syncs have caught up" in back["Subject"]
    assert rig.scheduler.times("/affected-syncs") == listed + 2, "two pages"
