"""P16: the shared budget holds; the sandbox's bucket of five, refilled at five a second, judges."""

import asyncio
import time
from typing import Any

import pytest
from sync_runner_rig import AIRTABLE, HUBSPOT, Rig, destination, text
from tablesync.contracts import FieldMapping, Provider
from tablesync.service_kit import clock
from tablesync.sync_runner.access.budgets import KEEP_SECONDS, Budgets, Rate
from tablesync.test_kit import eventually

LIMITS: dict[str, Any] = {
    "runner_airtable_base_per_second": 5,
    "runner_airtable_user_per_second": 50,
    "runner_hubspot_per_ten_seconds": 110,
    "runner_hubspot_search_per_second": 5,
}


async def limit(rig: Rig) -> None:
    """Have both providers limit their callers."""
    for provider in (Provider.HUBSPOT, Provider.AIRTABLE):
        await rig.sandbox.control(provider, "-", "limits", enabled=True)


@pytest.mark.timeout(400)
async def test_p16_several_runners_on_one_base_are_never_refused(rig: Rig) -> None:
    await limit(rig)
    await rig.fill(250)
    fields = [text("HubSpot ID"), text("Name")]
    tables = [{"name": f"Deals {n}", "fields": fields} for n in range(3)]
    base = await rig.at_airtable("create-base", name="Shared", tables=tables)
    run_ids = []
    for table in base["tables"]:
        key, name = (each["id"] for each in table["fields"])
        spec = await rig.spec(
            "deals",
            destination=destination(base, table),
            key=FieldMapping(source="id", field_id=key),
            mapping=(FieldMapping(source="dealname", field_id=name),),
        )
        run_ids.append(await rig.enqueue(spec))
    limits = {name.upper(): str(value) for name, value in LIMITS.items()}
    for _ in range(3):
        rig.process(**limits, RUNNER_WORKERS="1")
    rows = [await rig.ended(each, timeout=240) for each in run_ids]
    assert [row["status"] for row in rows] == ["succeeded"] * 3
    counters = await rig.sandbox.counters()
    assert counters["airtable"]["rate_violations"] == 0
    assert counters["hubspot"]["rate_violations"] == 0
    seen = counters["airtable"]["by_base"][base["id"]]
    assert seen["requests"] >= 78


@pytest.mark.timeout(400)
async def test_p16_a_token_that_is_slow_to_be_renewed_costs_no_refusal(rig: Rig) -> None:
    """All writes in flight wait for it, and would arrive at one moment with places of before."""
    for provider in (Provider.HUBSPOT, Provider.AIRTABLE):
        await rig.sandbox.control(provider, "-", "limits", enabled=True)
    await rig.fill(600)
    rig.airtable.token_seconds = 5
    rig.auth.token_takes_seconds = 2
    limits: dict[str, Any] = {
        "runner_airtable_base_per_second": 5,
        "runner_hubspot_per_ten_seconds": 110,
        "runner_hubspot_search_per_second": 5,
    }
    async with rig.runner(**limits, runner_writes_in_flight=8):
        row = await rig.run(await rig.spec("deals"), timeout=300)
    assert row["status"] == "succeeded", row["summary"]
    counters = await rig.sandbox.counters()
    assert counters["airtable"]["rate_violations"] == 0
    tokens = [each for each in rig.auth.asked if each.path.endswith(f"{AIRTABLE}/access-token")]
    assert len(tokens) > 3, "the token was not renewed in the middle of the run"


@pytest.mark.parametrize("renewal_seconds", [0, 1, 2, 4])
async def test_p16_one_slow_renewal_costs_no_refusal_however_slow(
    rig: Rig, renewal_seconds: float
) -> None:
    """Whoever waited for it gives his place in the limits up, and takes a new one."""
    await limit(rig)
    await rig.fill(250)
    rig.airtable.token_seconds = 3
    async with rig.runner(**LIMITS, runner_writes_in_flight=8):
        run_id = await rig.enqueue(await rig.spec("deals"))

        async def has_its_tokens() -> bool:
            return (await rig.row(run_id))["started_at"] is not None

        await eventually(has_its_tokens)
        rig.auth.token_takes_seconds, rig.airtable.token_seconds = renewal_seconds, 1800
        row = await rig.ended(run_id, timeout=120)
    assert row["status"] == "succeeded", row["summary"]
    assert (await rig.counters(Provider.AIRTABLE))["rate_violations"] == 0
    assert rig.auth.times(AIRTABLE, "access-token") == 2, "renewed once, in the middle of the run"


async def test_p16_a_run_that_waits_long_for_its_first_token_holds_up_no_other(rig: Rig) -> None:
    """It asks anew; those under way go on with the token that they have, and meet no limit."""
    await limit(rig)
    await rig.fill(200)
    spec, other = await rig.spec("deals"), await rig.spec("contacts")
    async with rig.runner(**LIMITS, runner_writes_in_flight=8):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 20)
        with rig.auth.hanging("access-token"):
            asked = rig.auth.times(HUBSPOT, "access-token")
            waiting = await rig.enqueue(other)
            await eventually(lambda: rig.auth.times(HUBSPOT, "access-token") > asked)
            ended = await rig.ended(run_id)
            assert (await rig.row(waiting))["started_at"] is None
        await rig.ended(waiting)
    assert ended["status"] == "succeeded", ended["summary"]
    assert (await rig.counters(Provider.AIRTABLE))["rate_violations"] == 0
    assert not await rig.differences(spec)


async def test_p16_places_are_spaced_over_all_processes(rig: Rig) -> None:
    limit = Rate("test/spaced", per_second=50)
    taken: list[float] = []

    async def caller() -> None:
        budget = Budgets(rig.database).of(limit)  # a process of its own, as far as MongoDB knows
        for _ in range(10):
            await budget.take()
            taken.append(time.monotonic())

    await Budgets(rig.database).of(limit).take()
    before, began = (await rig.stored("budgets", limit.name))["next"], time.monotonic()
    await asyncio.gather(*(caller() for _ in range(5)))
    assert max(taken) - began >= 0.9 * 50 / 50
    assert len(taken) == 50
    after = (await rig.stored("budgets", limit.name))["next"]
    assert after >= before + 50 * 1000 / 50, "each has its own 20 ms"


async def test_p16_a_place_is_at_hand_once_its_moment_has_come_and_nobody_waits(rig: Rig) -> None:
    budget = Budgets(rig.database).of(Rate("test/at hand", 4, late_seconds=2))
    assert budget.at_hand() is None, "none was reserved yet"
    first, *later = [asyncio.create_task(budget.take()) for _ in range(3)]
    await first
    assert budget.at_hand() is None, "two wait"
    for each in later:
        each.cancel()
    await asyncio.gather(*later, return_exceptions=True)
    assert budget.at_hand(weight=2) is None, "who weighs more takes several"

    async def at_hand() -> Any:
        return budget.at_hand()

    place = await eventually(at_hand)
    assert place.at <= clock.seconds() <= place.good_until


async def test_p16_a_refusal_freezes_the_limit_for_all(rig: Rig) -> None:
    limit = Rate("test/frozen", per_second=100)
    mine, others = Budgets(rig.database).of(limit), Budgets(rig.database).of(limit)
    began = time.monotonic()
    await mine.freeze(1.0)
    await asyncio.gather(mine.take(), others.take())
    assert time.monotonic() - began >= 0.9


async def test_p16_a_stricter_limit_that_the_provider_names_is_kept(rig: Rig) -> None:
    budget = Budgets(rig.database).of(Rate("test/corrected", per_second=1000))
    budget.correct(10)
    began = time.monotonic()
    for _ in range(6):
        await budget.take()
    assert time.monotonic() - began >= 0.45


async def test_a_429_is_waited_out_and_costs_nothing(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await rig.at_hubspot("throttle", seconds=1)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert not await rig.differences(spec)


async def test_p30_budgets_that_nobody_uses_are_forgotten(rig: Rig) -> None:
    """Also those that were stored before they had a date, and those in memory."""
    collection = rig.database["budgets"]
    await collection.insert_one({"_id": "airtable-base/old", "next": 0.0})
    async with rig.http("api"):
        expiry = (await collection.index_information())["expiry"]
    budgets = Budgets(rig.database)
    await budgets.of(Rate("airtable-base/used", per_second=5)).take()
    await budgets.of(Rate("airtable-base/frozen", per_second=5)).freeze(1)
    assert expiry["expireAfterSeconds"] == KEEP_SECONDS
    assert budgets.in_memory == 0

    async def all_are_dated() -> bool:  # budgets are written without waiting for a majority
        dated = await collection.distinct("_id", {"used_at": {"$type": "date"}})
        return dated == ["airtable-base/frozen", "airtable-base/old", "airtable-base/used"]

    await eventually(all_are_dated)
