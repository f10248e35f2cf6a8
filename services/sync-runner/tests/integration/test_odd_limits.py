"""P16, P28: whatever is said of limits or time, nobody hammers or misses a change."""

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hostile_hubspot import Told, hostile_runner
from sync_runner_rig import Rig
from tablesync.sync_runner import store
from tablesync.sync_runner.access.budgets import Budgets, Rate
from tablesync.sync_runner.access.budgets.rows import FURTHEST_SECONDS
from tablesync.test_kit import eventually

LIST, SEARCH = "/objects/2026-09/deals", "/deals/search"
HTML, NO_POLICY = b"<html>429</html>", b'{"message": "slow down"}'
ROLLING, SECONDLY = b'{"policyName": "TEN_SECONDLY_ROLLING"}', b'{"policyName": "SECONDLY"}'


@pytest.mark.parametrize(
    ("path", "body", "waits"),
    [
        (SEARCH, HTML, 10),
        (SEARCH, NO_POLICY, 10),
        (SEARCH, ROLLING, 10),
        (SEARCH, SECONDLY, 1),
        (LIST, HTML, 10),
        (LIST, SECONDLY, 1),
    ],
)
async def test_p16_a_429_is_waited_out_by_whoever_met_it(
    rig: Rig, path: str, body: bytes, waits: float
) -> None:
    """Also where it names another limit than the one that the call has reserved."""
    spec = await rig.spec("deals")
    asked: list[float] = []

    def refuse(told: Told) -> Told:
        asked.append(time.monotonic())
        return Told(429, {}, body) if len(asked) == 1 else told

    async with hostile_runner(rig) as hubspot:
        if path == SEARCH:  # a first run lists
            await rig.run(spec)
        hubspot.alter(path, refuse)
        row = await rig.run(spec, timeout=60)
    assert row["status"] == "succeeded", row["summary"]
    assert asked[1] - asked[0] > waits - 0.1


ODD_LIMIT = {
    "X-HubSpot-RateLimit-Max": "1",
    "X-HubSpot-RateLimit-Interval-Milliseconds": "86400000",
}


async def test_p16_one_odd_limit_in_the_headers_stops_no_account(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.alter(
            "/crm/", lambda told: replace(told, headers=told.headers | ODD_LIMIT), times=1
        )
        row = await rig.run(spec, timeout=60)
    assert row["status"] == "succeeded"


async def test_p16_a_limit_goes_up_again_as_far_as_it_is_known(rig: Rig) -> None:
    budget = Budgets(rig.database).of(Rate("test/corrected", per_second=1000))
    for told in (0.001, 5_000):
        budget.correct(told)
    began = time.monotonic()
    for _ in range(6):
        await budget.take()
    assert time.monotonic() - began < 60


async def test_p16_a_limit_that_another_clock_has_frozen_for_days_is_free_in_minutes(
    rig: Rig,
) -> None:
    limit, days = Rate("test/far", per_second=5), 3 * 86_400_000
    await rig.database["budgets"].insert_one({"_id": limit.name, "next": time.time() * 1000 + days})
    waiting = asyncio.create_task(Budgets(rig.database).of(limit).take())

    async def it_is_soon() -> bool:
        ahead = (await rig.stored("budgets", limit.name))["next"] / 1000 - time.time()
        return bool(ahead < FURTHEST_SECONDS + 5)

    await eventually(it_is_soon)
    waiting.cancel()


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 2022 00:00:00 GMT"])
async def test_a_quota_that_is_told_with_an_odd_date_is_a_quota(rig: Rig, date: str) -> None:
    """One that was refilled before it was told is refilled nobody knows when."""
    spec = await rig.spec("deals")
    daily = json.dumps({"policyName": "DAILY", "message": "You have reached your daily limit."})
    async with hostile_runner(rig) as hubspot:
        await rig.run(spec)
        hubspot.alter("/crm/", lambda _: Told(429, {"Date": date}, daily.encode()))
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "quota")
    retry_at = row.get("retry_at")
    assert retry_at is None or retry_at.replace(tzinfo=UTC) > datetime.now(UTC)


def dated(told: Told, days: float) -> Told:
    kept = {name: value for name, value in told.headers.items() if name.lower() != "date"}
    date = format_datetime(datetime.now(UTC) + timedelta(days=days), usegmt=True)
    return replace(told, headers=kept | {"Date": date})


@pytest.mark.parametrize("days", [400, -400])
async def test_p28_a_wrong_date_of_an_answer_loses_no_change(rig: Rig, days: float) -> None:
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.alter("/crm/properties/", lambda told: dated(told, days), times=1)
        assert (await rig.run(spec))["status"] == "succeeded"
        await rig.edit("deals", [each["id"] for each in await rig.deals()][:5], dealname="Renamed")
        assert (await rig.run(spec))["status"] == "succeeded"
    assert not await rig.differences(spec)


async def test_p28_a_cursor_of_the_future_that_is_stored_loses_no_change(rig: Rig) -> None:
    """As an earlier version has stored it: everything is read once more."""
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        ahead = {"$set": {"cursor_ms": int(time.time() * 1000) + 400 * 86_400_000}}
        await rig.database[store.CHECKPOINTS].update_one({"_id": spec.sync_id}, ahead)
        await rig.edit("deals", [each["id"] for each in await rig.deals()][:5], dealname="Renamed")
        row = await rig.run(spec)
    assert row["counts"]["written"] == 5
    assert not await rig.differences(spec)
