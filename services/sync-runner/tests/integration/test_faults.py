"""Providers and networks that fail for a while: the run waits, and loses and doubles nothing."""

import pytest
from sync_runner_rig import Rig
from tablesync.contracts import Provider
from tablesync.test_kit import eventually


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("provider", [Provider.HUBSPOT, Provider.AIRTABLE])
async def test_a_provider_in_trouble_is_asked_again(
    rig: Rig, provider: Provider, status: int
) -> None:
    spec = await rig.spec("deals")
    await rig.sandbox.control(provider, "-", "break", status=status, count=2)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)


async def test_answers_that_come_too_late_double_nothing(rig: Rig) -> None:
    await rig.fill(60)
    spec = await rig.spec("deals")
    async with rig.runner(runner_lease_seconds=3):
        await rig.slow_down(Provider.AIRTABLE, 1_500)  # a request has 1 s
        run_id = await rig.enqueue(spec)

        async def given_up() -> bool:
            seen = await rig.sandbox.log(provider="airtable")
            return len(seen["requests"]) >= 2

        await eventually(given_up)
        await rig.slow_down(Provider.AIRTABLE, 0)
        row = await rig.ended(run_id)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)
    counters = await rig.counters(Provider.AIRTABLE)
    assert counters["duplicates"] == counters["upsert_duplicates"] == 0


async def test_a_scope_that_is_missing_fails_the_run_alone(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await rig.at_hubspot("rescope", scopes=["oauth", "crm.objects.contacts.read"])
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "resource")
    assert "required scopes" in row["summary"]
    assert not rig.auth.reports


async def test_a_base_that_is_no_longer_granted_fails_the_run_alone(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await rig.sandbox.control("airtable", "ada@acme.test", "grant-bases", bases=[])
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "resource")
    assert spec.destination.base_id in row["summary"]
    assert not rig.auth.reports
