"""P29: a stored mail, incident or connection that cannot be read spoils nothing but itself."""

from typing import Any

import pytest
from notifier_rig import Rig
from tablesync.contracts import ConnectionReconnected, ConnectionRevoked, SyncFailed
from tablesync.notifier.mail.jobs import MailJobs
from tablesync.test_kit import eventually
from tablesync.test_kit.logs import own_logs
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = pytest.mark.integration

# The year 2100, in unix milliseconds.
FUTURE = 4_102_444_800_000


async def mail_due_first(rig: Rig, **spoiled: Any) -> None:
    """Let the mail about the first connection be due longest, and unreadable."""
    await rig.take(rig.events.connection(ConnectionRevoked, "con_bad"))
    await rig.mails.update_one({}, {"$set": spoiled})


async def in_a_minute(rig: Rig, **mended: Any) -> None:
    change = {**mended, "due_at": {"$subtract": ["$due_at", 120_000]}}
    await rig.mails.update_many({"status": "pending"}, [{"$set": change}])


@pytest.mark.parametrize("spoiled", [{"kind": "tomorrow's"}, {"fence": "one"}])
async def test_p29_a_mail_that_cannot_be_read_holds_up_no_other_and_is_sent_once_mended(
    rig: Rig, spoiled: dict[str, Any]
) -> None:
    await mail_due_first(rig, **spoiled)
    for number in range(3):
        await rig.take(rig.events.connection(ConnectionRevoked, f"con_{number}"))
    with own_logs() as logs:
        async with rig.working(notifier_workers=1):
            await rig.mail_came("revocation", 3)
    bad = await rig.mails.find_one({"incident_ids": {"$exists": True}, **spoiled})
    assert bad
    assert (bad["status"], "set_aside_at" in bad) == ("pending", True)
    assert len([each for each in logs if each.get("id") == bad["_id"]]) == 1
    await in_a_minute(rig, kind="revocation", fence=0)
    async with rig.working():
        await rig.mail_came("revocation", 4)


@pytest.mark.parametrize("due_at", [None, "2026-11-26T10:00:00Z", 17, ...], ids=repr)
async def test_p29_a_mail_whose_due_time_is_no_date_stops_no_mail_and_is_sent(
    rig: Rig, due_at: Any
) -> None:
    change = {"$unset": {"due_at": ""}} if due_at is ... else {"$set": {"due_at": due_at}}
    await rig.take(rig.events.connection(ConnectionRevoked, "con_bad"))
    await rig.mails.update_one({}, change)
    assert await MailJobs(rig.database).seconds_until_due() == 0
    await rig.take(rig.events.connection(ConnectionRevoked, "con_good"))
    async with rig.working(notifier_workers=1):
        await rig.mail_came("revocation", 2)


async def test_p29_an_incident_that_cannot_be_read_is_left_out_of_its_digest(rig: Rig) -> None:
    ids = [f"syn_{number}" for number in range(8)]
    rig.know_syncs(*map(affected_sync, ids))
    await rig.take(*(rig.events.run(SyncFailed, each, cause="provider") for each in ids))
    await rig.database["incidents"].update_one({"sync_id": "syn_3"}, {"$unset": {"summary": ""}})
    async with rig.working():
        (digest,) = await rig.mail_came("failure")
        listed = (await rig.get("/v1/incidents")).json()
    assert "7 syncs failed" in digest["Subject"]
    assert len(listed["items"]) == 7
    assert len(listed["unread_ids"]) == 1


async def test_p29_a_person_of_whom_nobody_can_say_is_passed_over(rig: Rig) -> None:
    """They may have unsubscribed: the next who looks after the connection is mailed."""
    await rig.database["preferences"].insert_one({"_id": "ws_1/op_ada", "mails": "perhaps"})
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        (mail,) = await rig.mail_came("revocation")
    assert "eve@acme.test" in mail["To"]


async def test_p29_a_connection_that_cannot_be_read_stops_no_reconciliation(rig: Rig) -> None:
    await rig.take(rig.events.connection(ConnectionReconnected, "con_bad"))
    await rig.database["connections"].update_one(
        {"_id": "con_bad"}, {"$set": {"planned": "perhaps"}}
    )
    rig.auth.know(rig.events.connection(ConnectionRevoked, "con_bad"))
    rig.auth.know(rig.events.connection(ConnectionRevoked, "con_good"))
    async with rig.running("worker", "ticker", notifier_reconcile_seconds=0.2):
        await rig.mail_came("revocation")
        await rig.database["connections"].update_one(
            {"_id": "con_bad"}, {"$set": {"planned": False}}
        )
        await rig.mail_came("revocation", 2)


async def test_p29_a_state_from_the_future_hides_no_loss_whose_event_was_lost(rig: Rig) -> None:
    odd = rig.events.connection(ConnectionReconnected, "con_odd", sequence=FUTURE)
    rig.auth.know(odd)
    async with rig.running("worker", "ticker", notifier_reconcile_seconds=0.2):
        known = {"_id": "con_odd", "sequence": FUTURE}
        await eventually(lambda: rig.database["connections"].find_one(known))
        rig.auth.know(rig.events.connection(ConnectionRevoked))
        await rig.mail_came("revocation")


async def test_reconciliation_looks_up_a_page_at_once(rig: Rig) -> None:
    for number in range(30):
        rig.auth.know(rig.events.connection(ConnectionReconnected, f"con_{number:02}"))
    await rig.take(
        *(rig.events.connection(ConnectionReconnected, f"con_{number:02}") for number in range(30))
    )
    await rig.database.command("profile", 2)
    async with rig.running("ticker", notifier_reconcile_seconds=0.2):
        await eventually(lambda: rig.auth.times("/connections") >= 2)
    await rig.database.command("profile", 0)
    looks = {"ns": f"{rig.database.name}.connections", "op": "query"}
    found = await rig.database["system.profile"].find(looks).to_list(None)
    assert {each["nreturned"] for each in found} == {30}
