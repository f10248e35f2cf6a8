"""The source's access is taken away, or only seems to be: what each ruling makes of the run."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from fastapi.responses import HTMLResponse, JSONResponse
from sync_runner_rig import HUBSPOT, Rig
from tablesync.contracts import (
    ConnectionCause,
    ConnectionReconnected,
    ConnectionRevoked,
    ConnectionStatus,
    Provider,
)
from tablesync.contracts.internal_api import Verdict
from tablesync.service_kit.mongo import Document
from tablesync.sync_runner import store
from tablesync.test_kit import eventually
from tablesync.test_kit.stand_ins import HeldConnection


async def uninstall_after(rig: Rig, pages: int, object_: str = "deals") -> None:
    """Have the app uninstalled once so many pages of an object were served."""
    await rig.at_hubspot("hold-page", object=object_, after_pages=pages, action="uninstall")


async def source_calls(rig: Rig) -> int:
    """Return how many data calls HubSpot has seen."""
    return int((await rig.counters(Provider.HUBSPOT))["data_requests"])


async def test_p08_after_the_verdict_no_call_is_made_and_a_catch_up_goes_on(rig: Rig) -> None:
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
        await rig.auth.reconnect(HUBSPOT)
        caught_up = await rig.run(spec)
    assert caught_up["status"] == "succeeded"
    assert not await rig.differences(spec)
    assert (await rig.counters(Provider.AIRTABLE))["duplicates"] == 0
    assert row["counts"]["written"] + caught_up["counts"]["written"] >= 350


async def pages_of(rig: Rig, run_id: str) -> int:
    """Wait for a run's end, and return how many pages HubSpot has served meanwhile."""
    before = (await rig.counters(Provider.HUBSPOT))["pages"]["deals"]
    assert (await rig.ended(run_id))["status"] == "succeeded"
    return int((await rig.counters(Provider.HUBSPOT))["pages"]["deals"] - before)


async def test_a_catch_up_inherits_the_checkpoint(rig: Rig) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    # The last of four pages does not come before access is lost.
    late = {"action": "latency", "body": {"ms": 60_000}}
    await rig.at_hubspot("hold-page", object="deals", after_pages=3, **late)
    async with rig.runner(runner_hubspot_overlap_seconds=3_600):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 100)
        await rig.at_hubspot("uninstall")
        await rig.at_hubspot("latency", ms=0)
        row = await rig.ended(run_id)
        assert row["counts"]["read"] >= 100
        checkpoint = await rig.checkpoint(spec)
        assert checkpoint["cursor_ms"] is None
        began_ms = checkpoint["current"]["began_ms"]
        await rig.auth.reconnect(HUBSPOT)
        caught_up = await pages_of(rig, await rig.enqueue(spec))
        # All were made within the overlap: the catch-up has read them once more as changes.
        changes = await pages_of(rig, await rig.enqueue(spec))
    assert caught_up - changes <= 3, "of the four pages, the first was not read again"
    checkpoint = await rig.checkpoint(spec)
    assert checkpoint["cursor_ms"] >= began_ms
    assert checkpoint["current"] is None
    assert not await rig.differences(spec)


async def test_p09_a_catch_up_covers_the_whole_gap(rig: Rig) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    await uninstall_after(rig, 2)
    async with rig.runner():
        row = await rig.run(spec)
        assert row["status"] == "interrupted"
        await rig.at_hubspot("edit", object="deals", count=60, seed=3)
        await rig.at_hubspot("create", object="deals", count=9)
        await rig.auth.reconnect(HUBSPOT)
        caught_up = await rig.run(spec)
    assert caught_up["status"] == "succeeded"
    assert not await rig.differences(spec), "what changed while it was held is there as well"


@pytest.mark.parametrize(
    ("cause", "shown"),
    [(ConnectionCause.OPERATOR, "not connected: operator."), (None, "not connected: revoked.")],
)
async def test_a_run_refused_by_the_token_route_is_held_without_a_source_call(
    rig: Rig, cause: ConnectionCause | None, shown: str
) -> None:
    spec = await rig.spec("deals")
    rig.hubspot.change(ConnectionStatus.REVOKED, cause)
    calls = await source_calls(rig)
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"], row["started_at"]) == ("held", "connection", None)
    assert row["summary"].endswith(shown)
    assert await rig.events(row["_id"]) == ["interrupted"]
    assert await source_calls(rig) == calls


async def test_runs_of_one_process_report_a_lost_grant_once(rig: Rig) -> None:
    objects = ("contacts", "companies", "deals")
    for each in objects:
        await rig.fill(250, each)
    specs = [await rig.spec(each) for each in objects]
    runs = [await rig.enqueue(each) for each in specs]
    await rig.slow_down(Provider.AIRTABLE, 200)
    await uninstall_after(rig, 2, "companies")
    async with rig.runner(runner_writes_in_flight=1):
        rows = [await rig.ended(each) for each in runs]
    assert {row["status"] for row in rows} <= {"interrupted", "held"}
    assert len(rig.auth.reports) == 1


async def test_p26_a_run_outlives_its_access_token(rig: Rig) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    rig.auth.verdicts.append(Verdict.RECOVERED)
    await rig.at_hubspot("hold-page", object="deals", after_pages=2, action="expire")
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert [each.status_code for each in rig.auth.reports] == [401]
    assert not await rig.differences(spec)


async def test_p26_a_token_that_was_replaced_meanwhile_is_fetched_anew(rig: Rig) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    await rig.at_hubspot("latency", ms=100)
    async with rig.runner():
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 1)
        with rig.auth.hanging("auth-failures"):  # nobody rules between the two
            await rig.at_hubspot("expire")
            await rig.auth.refresh(HUBSPOT)
        row = await rig.ended(run_id)
    assert row["status"] == "succeeded"
    assert {each.grant_version for each in rig.auth.reports} <= {1}
    assert not await rig.differences(spec)


@pytest.mark.parametrize("clock_ahead", [0, 3600])
async def test_p26_a_token_is_renewed_before_it_expires(rig: Rig, clock_ahead: float) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    rig.auth.clock_ahead_seconds = clock_ahead
    rig.hubspot.token_seconds = 1
    await rig.at_hubspot("latency", ms=300)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert rig.auth.times(HUBSPOT, "access-token") >= 2
    assert not rig.auth.reports


async def test_a_runner_whose_clock_is_wrong_asks_for_no_more_tokens(rig: Rig) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    rig.auth.clock_ahead_seconds = -3600
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert rig.auth.times(HUBSPOT, "access-token") == 1


async def test_a_second_refusal_that_is_not_confirmed_fails_the_run_alone(rig: Rig) -> None:
    await rig.fill(220)
    spec = await rig.spec("deals")
    rig.auth.verdicts.extend([Verdict.NOT_CONFIRMED, Verdict.NOT_CONFIRMED])
    await uninstall_after(rig, 1)
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "resource")
    assert len(rig.auth.reports) == 2
    assert await rig.database[store.CONNECTIONS].find_one({"_id": HUBSPOT}) is None


async def test_p08_a_stray_401_of_the_source_costs_one_call_and_nothing_before_the_ruling(
    rig: Rig,
) -> None:
    """An edge that has not heard of a new token yet refuses it once; others know it."""
    calls: list[int] = []

    async def count(_: HeldConnection) -> None:
        calls.append(await source_calls(rig))

    await rig.fill(220)
    spec = await rig.spec("deals")
    rig.auth.verdicts.extend([Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.NOT_CONFIRMED])
    rig.auth.on_report = count
    await rig.at_hubspot("break", path_contains="/deals", status=401, count=1)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert len(calls) == 3
    assert len(set(calls)) == 1, "nothing was called until somebody knew"
    assert not await rig.differences(spec)


async def test_stray_401s_of_calls_in_flight_share_one_report(rig: Rig) -> None:
    await rig.fill(350)
    spec = await rig.spec("deals")
    rig.auth.verdicts.append(Verdict.NOT_CONFIRMED)
    await rig.slow_down(Provider.AIRTABLE, 300)
    # The first batches go one by one, until the table has taken one: then there are several.
    table = spec.destination.table_id
    await rig.at_airtable(
        "arm",
        after={"path_contains": table, "responses": 10},
        action="break",
        body={"path_contains": table, "status": 401, "count": 4},
    )
    async with rig.runner(runner_writes_in_flight=8):
        row = await rig.run(spec)
    assert row["status"] == "succeeded"
    assert len(rig.auth.reports) == 1
    assert not await rig.differences(spec)


async def test_an_inconclusive_ruling_is_waited_for(rig: Rig) -> None:
    await rig.fill(220)
    spec = await rig.spec("deals")
    rig.auth.verdicts.extend([Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.REVOKED])
    await uninstall_after(rig, 1)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "interrupted"
    assert len(rig.auth.reports) == 3


@pytest.mark.usefixtures("own_topics")
async def test_a_followed_revocation_stops_a_run_in_the_middle(rig: Rig) -> None:
    await rig.fill(600, "contacts")
    spec = await rig.spec("contacts")
    await rig.slow_down(Provider.AIRTABLE, 300)
    async with rig.runner("worker", "consumer", runner_writes_in_flight=1):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 10)
        rig.auth.lose(HUBSPOT)
        await rig.publish(rig.hubspot.event(ConnectionRevoked))
        row = await rig.ended(run_id)
    assert (row["status"], row["cause"]) == ("interrupted", "connection")
    assert row["counts"]["written"] < 600


async def test_a_stop_of_another_process_is_obeyed_at_the_next_checkpoint(rig: Rig) -> None:
    await rig.fill(600, "contacts")
    spec = await rig.spec("contacts")
    await rig.slow_down(Provider.AIRTABLE, 300)
    async with rig.runner(runner_writes_in_flight=1):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 10)
        await rig.database[store.CONNECTIONS].update_one(
            {"_id": HUBSPOT}, {"$set": {"stopped_version": 1}}, upsert=True
        )
        row = await rig.ended(run_id)
    assert row["status"] == "interrupted"


async def test_a_stop_does_not_reach_runs_with_a_newer_grant(rig: Rig) -> None:
    spec = await rig.spec("deals")
    await rig.auth.reconnect(HUBSPOT)
    await rig.database[store.CONNECTIONS].insert_one({"_id": HUBSPOT, "stopped_version": 1})
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded"


@pytest.mark.usefixtures("own_topics")
@pytest.mark.parametrize("late_first", [True, False])
async def test_an_older_state_of_a_connection_is_ignored(rig: Rig, late_first: bool) -> None:
    rig.auth.lose(HUBSPOT)
    older = rig.hubspot.event(ConnectionRevoked)
    await rig.auth.reconnect(HUBSPOT)
    newer = rig.hubspot.event(ConnectionReconnected)
    assert older.sequence < newer.sequence
    async with rig.runner("consumer"):

        async def known() -> Document | None:
            # Followers begin at the latest message: what came before they listened is not theirs.
            await rig.publish(*((newer, older) if late_first else (older, newer)))
            query = {"_id": HUBSPOT, "sequence": newer.sequence}
            found: Document | None = await rig.database[store.CONNECTIONS].find_one(query)
            return found

        row = await eventually(known)
    assert row["status"] == "connected"


async def test_auth_service_away_is_waited_for(rig: Rig) -> None:
    spec = await rig.spec("deals")
    rig.auth.down = True
    async with rig.runner():
        run_id = await rig.enqueue(spec)
        await eventually(lambda: rig.auth.times("access-token") >= 2)
        rig.auth.down = False
        row = await rig.ended(run_id)
    assert row["status"] == "succeeded"


async def test_a_proxy_that_names_a_date_to_come_back_is_waited_for(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        back_at = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
        away = HTMLResponse("<html>503 Service Unavailable</html>", 503, {"Retry-After": back_at})
        rig.auth.answer_with("access-token", away)
        run_id = await rig.enqueue(spec)
        await eventually(lambda: rig.auth.times("access-token") == 1)
        waiting = await rig.row(run_id)
        row = await rig.ended(run_id)
    assert (waiting["status"], waiting["ended_at"]) == ("running", None)
    assert row["status"] == "succeeded"
    assert rig.auth.times(HUBSPOT, "access-token") == 2
    assert row["started_at"] - row["queued_at"] >= timedelta(seconds=1)


async def test_an_unheard_of_ruling_is_waited_for_like_an_inconclusive_one(rig: Rig) -> None:
    await rig.fill(220)
    spec = await rig.spec("deals")
    newer = {"verdict": "put_on_probation", "grant_version": 1, "retry_after": 0.2}
    rig.auth.answer_with("auth-failures", JSONResponse(newer))
    await uninstall_after(rig, 1)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "interrupted"
    assert rig.auth.times("auth-failures") == 2
    assert len(rig.auth.reports) == 1, "the other one got another answer"


async def test_a_connection_removed_before_a_run_holds_it(rig: Rig) -> None:
    spec = await rig.spec("deals")
    del rig.auth.connections[HUBSPOT]
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("held", "connection")
    assert row["connection_id"] == HUBSPOT
    assert "no longer exists" in row["summary"]


async def test_a_connection_removed_in_the_middle_ends_the_run(rig: Rig) -> None:
    async def remove(held: HeldConnection) -> None:
        del rig.auth.connections[held.id]

    await rig.fill(350)
    spec = await rig.spec("deals")
    rig.auth.on_report = remove
    await uninstall_after(rig, 2)
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("interrupted", "connection")
    assert [each.connection_id for each in rig.auth.reports] == [HUBSPOT]
