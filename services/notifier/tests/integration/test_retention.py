"""Retention: closed incidents expire and their mails with them; what is open stays, however old."""

from datetime import timedelta

import pytest
from notifier_rig import Rig
from pymongo import IndexModel
from tablesync.contracts import ConnectionRevoked, SyncFailed, SyncSucceeded
from tablesync.notifier.incidents import retention
from tablesync.notifier.incidents.retention import EVERY_SECONDS, MailRetention
from tablesync.notifier.store import SYNCS, expiries
from tablesync.service_kit.messaging.kafka import DEAD_LETTERS_KEPT_HOURS
from tablesync.service_kit.mongo import from_now
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.settings import LEAST_DAYS_KEPT
from tablesync.test_kit import eventually
from tablesync.test_kit.rhythm import PATIENCE_SECONDS
from tablesync.test_kit.stand_ins import affected_sync

pytestmark = pytest.mark.integration

DAYS = 30
LONG_AGO = from_now(-timedelta(days=2 * DAYS).total_seconds())


async def age(rig: Rig, collection: str, *fields: str) -> None:
    """Have what has happened in a collection happened long ago."""
    for field in fields:
        await rig.database[collection].update_many(
            {field: {"$type": "date"}}, [{"$set": {field: LONG_AGO}}]
        )


async def test_closed_incidents_expire_with_their_mails_and_open_ones_never(rig: Rig) -> None:
    rig.know_syncs(affected_sync("syn_1"), affected_sync("syn_2"))
    async with rig.working():
        failures = [rig.events.run(SyncFailed, f"syn_{n}", cause="provider") for n in (1, 2)]
        await rig.take(*failures, rig.events.connection(ConnectionRevoked))
        await rig.mail_came("failure", 2)
        await rig.mail_came("revocation")
        await rig.take(rig.events.run(SyncSucceeded, "syn_1"))
        await rig.mail_came("recovery")
        await rig.jobs_rest()
    await age(rig, "incidents", "opened_at", "closed_at", "last_failed_at")
    await age(rig, "mails", "created_at", "due_at", "sent_at")
    closed = await rig.database["incidents"].find_one({"sync_id": "syn_1"})
    assert closed

    async def is_gone() -> bool:
        return await rig.database["incidents"].find_one({"_id": closed["_id"]}) is None

    await ensure_indexes(rig.database, expiries(incidents_days=DAYS, news_days=14))
    await eventually(is_gone, timeout=PATIENCE_SECONDS)
    assert await MailRetention(rig.database, DAYS).tick() == EVERY_SECONDS

    async with rig.running("api"):
        incidents = await rig.incidents()
    assert {each["status"] for each in incidents} == {"open"}
    assert {mail["kind"] for each in incidents for mail in each["mails"]} >= {
        "failure",
        "revocation",
    }
    left = await rig.mails.find({}, {"kind": 1, "status": 1}).to_list(None)
    assert sorted((row["kind"], row["status"]) for row in left) == [
        ("failure", "sent"),
        ("reminder", "pending"),
        ("revocation", "sent"),
    ]


def test_a_deletion_is_remembered_until_no_dead_letter_can_tell_of_its_sync() -> None:
    (of_syncs,) = expiries(incidents_days=DAYS, news_days=LEAST_DAYS_KEPT)[SYNCS]
    assert isinstance(of_syncs, IndexModel)
    kept = timedelta(seconds=of_syncs.document["expireAfterSeconds"])
    assert kept >= timedelta(days=LEAST_DAYS_KEPT, hours=DEAD_LETTERS_KEPT_HOURS)


async def test_mails_are_forgotten_in_chunks_and_young_ones_stay(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    rows = [{"_id": str(n), "incident_ids": ["inc_gone"], "status": "sent"} for n in range(5)]
    await rig.mails.insert_many(rows)
    await rig.mails.update_many({}, [{"$set": {"created_at": LONG_AGO}}])
    young = {"_id": "young", "incident_ids": ["inc_gone"], "status": "sent"}
    await rig.mails.insert_one(young)
    await rig.mails.update_one(young, [{"$set": {"created_at": "$$NOW"}}])
    retaining = MailRetention(rig.database, DAYS)
    assert [await retaining.tick() for _ in range(3)] == [0.0, 0.0, EVERY_SECONDS]
    assert await rig.mails.distinct("_id") == ["young"]
