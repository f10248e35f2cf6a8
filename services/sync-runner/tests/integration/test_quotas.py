"""A daily or monthly limit ends a run at once, and says when it is refilled."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sync_runner_rig import Json, Rig, as_service
from tablesync.contracts import Provider, SyncFailed
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.mongo import Document

DAILY: Json = {
    "status": "error",
    "message": "You have reached your daily limit.",
    "errorType": "RATE_LIMIT",
    "policyName": "DAILY",
}
MONTHLY: Json = {
    "errors": [
        {
            "error": "PUBLIC_API_BILLING_LIMIT_EXCEEDED",
            "message": "You have exceeded the monthly API limit.",
        }
    ]
}


async def used_up(rig: Rig, provider: Provider, body: Json, path: str) -> None:
    await rig.sandbox.control(provider, "-", "break", status=429, body=body, path_contains=path)


async def failed_event(rig: Rig, run: Document) -> Json:
    """Return the event that told of a failed run."""
    rows = await rig.database["outbox"].find({}).sort("_id", -1).to_list(None)
    told: list[Json] = [
        json.loads(each["value"])
        for each in rows
        if dict(each["headers"])["ce_type"] == SyncFailed.type
    ]
    return next(each for each in told if each["run_id"] == run["_id"])


async def test_a_daily_limit_is_refilled_at_midnight_where_the_account_is(rig: Rig) -> None:
    spec = await rig.spec("deals")
    zone = ZoneInfo("Asia/Tokyo")
    await rig.at_hubspot("time-zone", name=zone.key)
    async with rig.runner():
        assert (await rig.run(spec))["status"] == "succeeded"
        await used_up(rig, Provider.HUBSPOT, DAILY, "/crm/")
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "quota"), row["summary"]
    told = datetime.fromisoformat((await failed_event(rig, row))["retry_at"])
    assert told == row["retry_at"]
    assert told.astimezone(zone).timetz() == datetime.min.time().replace(tzinfo=zone)
    assert timedelta(0) < told - row["ended_at"] <= timedelta(days=1)


async def test_where_nobody_knows_the_zone_nothing_is_promised(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await used_up(rig, Provider.HUBSPOT, DAILY, "/crm/")
    async with rig.runner():
        row = await rig.run(spec)
    assert row["cause"] == "quota"
    assert "retry_at" not in row
    assert "retry_at" not in await failed_event(rig, row)


async def test_a_monthly_limit_is_refilled_with_the_next_month(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec = await rig.spec("deals")
    await used_up(rig, Provider.AIRTABLE, MONTHLY, f"/v0/{spec.destination.base_id}")
    async with rig.http("worker") as http:
        row = await rig.run(spec)
        auth = as_service(service_keys, "scheduler")
        told = await http.get("/internal/v1/runs", params={"ids": row["_id"]}, auth=auth)
    assert row["cause"] == "quota"
    assert "monthly API limit" in row["summary"]
    now = datetime.now(UTC)
    expected = (now.replace(day=1) + timedelta(days=31)).strftime("%Y-%m-01T00:00:00.000Z")
    assert (await failed_event(rig, row))["retry_at"] == expected
    assert told.json()["items"][0]["retry_at"] == expected
