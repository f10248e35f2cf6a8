"""The source's access is taken away, or only seems to be: what each verdict makes of the run."""

from typing import Any

import pytest
from tablesync.contracts import ConnectionReconnected, ConnectionRevoked, ConnectionStatus
from tablesync.sync_runner import store
from tablesync.test_kit import eventually

HUBSPOT = "con_hubspot"


async def reconnect(rig: Any) -> None:
    """Connect the same portal again: a new grant, one version later."""
    held = rig.auth.held[HUBSPOT]
    held.token = (await rig.sandbox.mint("hubspot", "7002"))["access_token"]
    held.version, held.status = held.version + 1, ConnectionStatus.CONNECTED
    held.sequence += 1


async def uninstall_after(rig: Any, pages: int, object_: str = "deals") -> None:
    """Have the app uninstalled once so many pages of an object were served."""
    await rig.sandbox.control(
        "hubspot", "7002", "hold-page", object=object_, after_pages=pages, action="uninstall"
    )


async def source_calls(rig: Any) -> int:
    """Return how many data calls HubSpot has seen."""
    return int((await rig.sandbox.counters())["hubspot"]["data_requests"])


async def test_p08_after_the_verdict_no_call_is_made_and_a_catch_up_goes_on(rig: Any) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    await uninstall_after(rig, 2)
    async with rig.runner():
        row = await rig.run(spec)
        assert (row["status"], row["cause"]) == ("interrupted", "connection")
        assert row["connection_id"] == HUBSPOT
        assert await rig.events(row["_id"]) == ["started", "interrupted"]
        assert len(rig.auth.reports) == 1
        calls = await source_calls(rig)
        held = await rig.run(spec)
        assert (held["status"], held["counts"]["read"]) == ("held", 0)
        assert await source_calls(rig) == calls
        await reconnect(rig)
        caught_up = await rig.run(spec)
    assert caught_up["status"] == "succeeded"
    assert not await rig.differences(spec)
    counters = await rig.sandbox.counters()
    assert counters["airtable"]["duplicates"] == 0
    assert row["counts"]["written"] + caught_up["counts"]["written"] >= 350


async def test_a_catch_up_inherits_the_checkpoint(rig: Any) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    await uninstall_after(rig, 3)
    # The source is slow enough for the first page to be written before access is lost.
    await rig.sandbox.control("hubspot", "-", "latency", ms=800)
    async with rig.runner(runner_writes_in_flight=1):
        row = await rig.run(spec)
        await rig.sandbox.control("hubspot", "-", "latency", ms=0)
        assert row["counts"]["read"] >= 100
        checkpoint = await rig.database[store.CHECKPOINTS].find_one({"_id": spec.sync_id})
        assert checkpoint["cursor_ms"] is None
        began_ms = checkpoint["current"]["began_ms"]
        await reconnect(rig)
        caught_up = await rig.run(spec)
    assert caught_up["status"] == "succeeded"
    assert (await rig.sandbox.counters())["hubspot"]["pages"]["deals"] <= 3 + 4 + 2
    checkpoint = await rig.database[store.CHECKPOINTS].find_one({"_id": spec.sync_id})
    assert checkpoint["cursor_ms"] >= began_ms
    assert checkpoint["current"] is None
    assert not await rig.differences(spec)


async def test_p09_a_catch_up_covers_the_whole_gap(rig: Any) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    await uninstall_after(rig, 2)
    async with rig.runner():
        row = await rig.run(spec)
        assert row["status"] == "interrupted"
        await rig.sandbox.control("hubspot", "7002", "edit", object="deals", count=60, seed=3)
        await rig.sandbox.control("hubspot", "7002", "create", object="deals", count=9)
        await reconnect(rig)
        caught_up = await rig.run(spec)
    assert caught_up["status"] == "succeeded"
    assert not await rig.differences(spec), "what changed while it was held is there as well"


@pytest.mark.parametrize(
    ("cause", "shown"),
    [("operator", "not connected: operator."), (None, "not connected: revoked.")],
)
async def test_a_run_refused_by_the_token_route_is_held_without_a_source_call(
    rig: Any, cause: str | None, shown: str
) -> None:
    spec = await rig.spec("deals")
    held = rig.auth.held[HUBSPOT]
    held.status, held.cause = ConnectionStatus.REVOKED, cause
    calls = await source_calls(rig)
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"], row["started_at"]) == ("held", "connection", None)
    assert row["summary"].endswith(shown)
    assert await rig.events(row["_id"]) == ["interrupted"]
    assert await source_calls(rig) == calls


async def test_runs_of_one_process_report_a_lost_grant_once(rig: Any) -> None:
    objects = ("contacts", "companies", "deals")
    for each in objects:
        await rig.fill(250, each)
    specs = [await rig.spec(each) for each in objects]
    runs = [await rig.enqueue(each) for each in specs]
    await rig.sandbox.control("airtable", "-", "latency", ms=200)
    await uninstall_after(rig, 2, "companies")
    async with rig.runner(runner_writes_in_flight=1):
        rows = [await rig.ended(each) for each in runs]
    assert {row["status"] for row in rows} <= {"interrupted", "held"}
    assert len(rig.auth.reports) == 1


async def test_p26_a_run_outlives_its_access_token(rig: Any) -> None:
    async def recover(held: Any) -> None:
        held.token = (await rig.sandbox.mint("hubspot", "7002"))["access_token"]
        held.version += 1

    await rig.fill(350)
    spec = await rig.spec("deals")
    rig.auth.verdicts.append("recovered")
    rig.auth.recover = recover
    await rig.sandbox.control(
        "hubspot", "7002", "hold-page", object="deals", after_pages=2, action="expire"
    )
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert [each["status_code"] for each in rig.auth.reports] == [401]
    assert not await rig.differences(spec)


async def test_p26_a_token_that_was_replaced_meanwhile_is_fetched_anew(rig: Any) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    await rig.sandbox.control("hubspot", "7002", "latency", ms=100)
    async with rig.runner():
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 1)
        held = rig.auth.held[HUBSPOT]
        await rig.sandbox.control("hubspot", "7002", "expire")
        held.token = (await rig.sandbox.mint("hubspot", "7002"))["access_token"]
        held.version += 1
        row = await rig.ended(run_id)
    assert row["status"] == "succeeded"
    assert {each["grant_version"] for each in rig.auth.reports} <= {1}
    assert not await rig.differences(spec)


@pytest.mark.parametrize("clock_ahead", [0, 3600])
async def test_p26_a_token_is_renewed_before_it_expires(rig: Any, clock_ahead: float) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    rig.auth.clock_ahead_seconds = clock_ahead
    rig.auth.held[HUBSPOT].lives_seconds = 1
    await rig.sandbox.control("hubspot", "7002", "latency", ms=300)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert rig.auth.asked.count(HUBSPOT) >= 2
    assert not rig.auth.reports


async def test_a_runner_whose_clock_is_wrong_asks_for_no_more_tokens(rig: Any) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    rig.auth.clock_ahead_seconds = -3600
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert rig.auth.asked.count(HUBSPOT) == 1


async def test_a_refusal_that_is_not_confirmed_fails_the_run_alone(rig: Any) -> None:
    await rig.fill(220)
    spec = await rig.spec("deals")
    rig.auth.verdicts.append("not_confirmed")
    await uninstall_after(rig, 1)
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "resource")
    assert await rig.database[store.CONNECTIONS].find_one({"_id": HUBSPOT}) is None


async def test_an_inconclusive_verdict_is_waited_for(rig: Any) -> None:
    await rig.fill(220)
    spec = await rig.spec("deals")
    rig.auth.verdicts.extend(["inconclusive", "inconclusive", "revoked"])
    await uninstall_after(rig, 1)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "interrupted"
    assert len(rig.auth.reports) == 3


async def test_a_followed_revocation_stops_a_run_in_the_middle(rig: Any) -> None:
    await rig.fill(600, "contacts")
    spec = await rig.spec("contacts")
    await rig.sandbox.control("airtable", "-", "latency", ms=300)
    async with rig.runner("worker", "consumer", runner_writes_in_flight=1):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 10)
        held = rig.auth.held[HUBSPOT]
        held.status, held.sequence = ConnectionStatus.REVOKED, 2
        await rig.publish(rig.auth.event(HUBSPOT, ConnectionRevoked))
        row = await rig.ended(run_id)
    assert (row["status"], row["cause"]) == ("interrupted", "connection")
    assert row["counts"]["written"] < 600


async def test_a_stop_of_another_process_is_obeyed_at_the_next_checkpoint(rig: Any) -> None:
    await rig.fill(600, "contacts")
    spec = await rig.spec("contacts")
    await rig.sandbox.control("airtable", "-", "latency", ms=300)
    async with rig.runner(runner_writes_in_flight=1):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 10)
        await rig.database[store.CONNECTIONS].update_one(
            {"_id": HUBSPOT}, {"$set": {"stopped_version": 1}}, upsert=True
        )
        row = await rig.ended(run_id)
    assert row["status"] == "interrupted"


async def test_a_stop_does_not_reach_runs_with_a_newer_grant(rig: Any) -> None:
    spec = await rig.spec("deals")
    await reconnect(rig)
    await rig.database[store.CONNECTIONS].insert_one({"_id": HUBSPOT, "stopped_version": 1})
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"


@pytest.mark.parametrize("late_first", [True, False])
async def test_an_older_state_of_a_connection_is_ignored(rig: Any, late_first: bool) -> None:
    held = rig.auth.held[HUBSPOT]
    held.sequence = 5
    newer = rig.auth.event(HUBSPOT, ConnectionReconnected)
    held.sequence = 4
    held.status = ConnectionStatus.REVOKED
    older = rig.auth.event(HUBSPOT, ConnectionRevoked)
    held.sequence, held.status = 5, ConnectionStatus.CONNECTED
    async with rig.runner("consumer"):

        async def known() -> Any:
            # Followers begin at the latest message: what came before they listened is not theirs.
            await rig.publish(*((newer, older) if late_first else (older, newer)))
            return await rig.database[store.CONNECTIONS].find_one({"_id": HUBSPOT, "sequence": 5})

        row = await eventually(known)
    assert row["status"] == "connected"


async def test_auth_service_away_is_waited_for(rig: Any) -> None:
    spec = await rig.spec("deals")
    rig.auth.down = True
    async with rig.runner():
        run_id = await rig.enqueue(spec)
        await eventually(lambda: len(rig.auth.asked) >= 2)
        rig.auth.down = False
        row = await rig.ended(run_id)
    assert row["status"] == "succeeded"


async def test_a_proxy_that_names_a_date_to_come_back_is_waited_for(rig: Any) -> None:
    spec = await rig.spec("deals")
    rig.auth.proxy_waits_seconds = 2
    async with rig.runner():
        run_id = await rig.enqueue(spec)
        await eventually(lambda: len(rig.auth.asked) >= 2)
        assert (await rig.row(run_id))["status"] == "running"
        assert await rig.events(run_id) == []
        rig.auth.proxy_waits_seconds = None
        row = await rig.ended(run_id)
    assert row["status"] == "succeeded"


async def test_an_unheard_of_verdict_is_waited_for_like_an_inconclusive_one(rig: Any) -> None:
    await rig.fill(220)
    spec = await rig.spec("deals")
    rig.auth.verdicts.extend(["put_on_probation", "revoked"])
    await uninstall_after(rig, 1)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "interrupted"
    assert len(rig.auth.reports) == 2


async def test_a_connection_removed_before_a_run_holds_it(rig: Any) -> None:
    spec = await rig.spec("deals")
    rig.auth.removed = True
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("held", "connection")
    assert row["connection_id"] == HUBSPOT
    assert "no longer exists" in row["summary"]


async def test_a_connection_removed_in_the_middle_ends_the_run(rig: Any) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    rig.auth.verdicts.append("removed")
    await uninstall_after(rig, 2)
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("interrupted", "connection")
    assert [each["connection_id"] for each in rig.auth.reports] == [HUBSPOT]
