"""What became of new rows is looked up before they are sent again, where no answer told it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sync_runner_rig import AIRTABLE, WORKSPACE, Json, Rig, text
from tablesync.contracts import FieldMapping, Provider, SyncSpec
from tablesync.service_kit import clock
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.access.gates import Gate
from tablesync.sync_runner.access.grants import Grant
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.airtable.client import AirtableClient
from tablesync.sync_runner.airtable.lookup import Lookup
from tablesync.sync_runner.airtable.provider import Airtable
from tablesync.sync_runner.airtable.schema import Field
from tablesync.test_kit import eventually

# A request has so long; the sandbox is slower.
SECONDS: dict[str, Any] = {"runner_lease_seconds": 6, "runner_request_seconds": 2}


async def own_table(rig: Rig) -> SyncSpec:
    """Make a table of its own for deals."""
    destination, (key, name) = await rig.new_table(text("Key"), text("Name"))
    return await rig.spec(
        "deals",
        destination=destination,
        key=FieldMapping(source="id", field_id=key),
        mapping=(FieldMapping(source="dealname", field_id=name),),
    )


async def requests(rig: Rig, path: str = "/v0/app") -> list[Json]:
    seen = (await rig.sandbox.log(provider="airtable"))["requests"]
    return [each for each in seen if path in each["path"]]


async def each_once(rig: Rig, spec: SyncSpec) -> None:
    """Check that the table has one row for each record, and is equal."""
    assert not await rig.differences(spec)
    keys = [each["Key"] for each in await rig.named_rows(spec)]
    assert len(keys) == len(set(keys)) == len(await rig.deals())
    counters = await rig.counters(Provider.AIRTABLE)
    assert counters["duplicates"] == counters["upsert_duplicates"] == 0


async def test_rows_that_are_made_after_the_caller_has_gone_are_made_once(rig: Rig) -> None:
    """A server that looks rows up at once and writes later does twice what it is sent twice."""
    await rig.fill(60)
    spec = await own_table(rig)
    await rig.at_airtable("slow-writes", seconds=3)
    async with rig.runner(**SECONDS):
        run_id = await rig.enqueue(spec)

        async def looked_up() -> bool:
            return bool(await requests(rig, "/listRecords"))

        await eventually(looked_up, timeout=30)
        await rig.at_airtable("slow-writes", seconds=0)
        row = await rig.ended(run_id, timeout=60)
    assert row["status"] == "succeeded", row["summary"]
    await each_once(rig, spec)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 200, "late_seconds": 3},
        {"status": 0, "performed": True},
        {"status": 500, "performed": True},
        {"status": 504, "performed": True},
        {"status": 200, "body": "<html>maintenance", "performed": True},
        {"status": 200, "body": '{"records": [{"id": "rec', "performed": True},
    ],
    ids=["late", "dropped", "500", "504", "html", "half"],
)
async def test_rows_whose_answer_is_lost_are_found_and_not_sent_again_as_new(
    rig: Rig, fault: Json
) -> None:
    spec = await own_table(rig)
    path = f"/v0/{spec.destination.base_id}/{spec.destination.table_id}"
    await rig.at_airtable("break", **fault, path_contains=path, count=1)
    async with rig.runner(runner_writes_in_flight=1, **SECONDS):
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 20), row["summary"]
    await each_once(rig, spec)
    told = [each["path"].rpartition("/")[2] for each in await requests(rig, path)]
    assert "listRecords" in told[:2], "looked up before anything is sent again"
    counters = await rig.counters(Provider.AIRTABLE)
    assert counters["records_created"] == 20


async def test_rows_that_were_not_made_are_sent_again(rig: Rig) -> None:
    spec = await own_table(rig)
    path = f"/v0/{spec.destination.base_id}/{spec.destination.table_id}"
    await rig.at_airtable("break", status=0, path_contains=path, count=2)
    async with rig.runner(runner_writes_in_flight=1, **SECONDS):
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 20), row["summary"]
    await each_once(rig, spec)


async def test_a_run_that_is_cancelled_keeps_its_table_until_what_it_sent_is_over(
    rig: Rig,
) -> None:
    """Its request was given up, and is carried out all the same: the next run finds the rows."""
    spec = await own_table(rig)
    await rig.at_airtable("slow-writes", seconds=3)
    async with rig.runner(**SECONDS):
        cancelled = await rig.enqueue(spec)

        async def given_up() -> bool:
            return bool(await requests(rig, "/listRecords"))

        await eventually(given_up, timeout=30)
        await rig.at_airtable("slow-writes", seconds=0)
        await rig.cancel(cancelled)
        row = await rig.run(spec)
        first = await rig.row(cancelled)
    assert (first["status"], row["status"]) == ("cancelled", "succeeded"), row["summary"]
    assert row["started_at"] >= first["ended_at"]
    await each_once(rig, spec)


async def test_a_worker_that_dies_behind_a_request_doubles_nothing(rig: Rig) -> None:
    """Who takes over waits for the lease, and for what was on the wire."""
    spec = await own_table(rig)
    await rig.at_airtable("slow-writes", seconds=2)
    await rig.slow_down(Provider.AIRTABLE, 1_000)
    process = rig.process(RUNNER_LEASE_SECONDS="2", RUNNER_REQUEST_SECONDS="4")
    run_id = await rig.enqueue(spec)

    async def written_to() -> bool:
        known = await requests(rig, "/v0/meta")
        waiting = await rig.at_airtable("delayed")
        return bool(known and waiting["requests"])

    await eventually(written_to, timeout=60)
    process.kill()
    await rig.slow_down(Provider.AIRTABLE, 0)
    async with rig.runner(runner_request_seconds=4):
        row = await rig.ended(run_id, timeout=60)
    assert row["status"] == "succeeded", row["summary"]
    await each_once(rig, spec)


class Token:
    """auth-service, of which only Airtable's token is asked."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        held = self._rig.airtable
        return Grant(held.token, 1, clock.seconds() + 600, held.account)


@pytest_asyncio.fixture
async def airtable(rig: Rig) -> AsyncIterator[AirtableClient]:
    """Yield Airtable as a run reaches it."""

    async def on_lost(connection_id: str, version: int) -> None:
        """Nobody has to know."""

    token = Token(rig)
    gate = Gate(token, AIRTABLE, WORKSPACE, on_lost, patience_seconds=10)  # type: ignore[arg-type]
    provider = Airtable(rig.settings, Budgets(rig.database))
    client = ProviderClient(provider.http, gate.admit(lambda _: None))
    yield provider.open(client, rig.airtable.account.id)
    await provider.aclose()


NASTY = [
    'quo"te',
    "back\\slash",
    'both\\"',
    "line\nbreak",
    "tab\there",
    "{brace}",
    "ünï😀",
    "' or 1=1",
]
OPTIONS: Json = {"options": {"choices": [{"name": each} for each in NASTY]}}
DAY: Json = {"options": {"dateFormat": {"name": "european"}}}
NUMBER: Json = {"options": {"precision": 8}}


@pytest.mark.parametrize(
    ("type_", "more", "cells", "others"),
    [
        ("singleLineText", {}, NASTY[:3] + NASTY[5:], ["quote", 'QUO"TE', ""]),
        ("multilineText", {}, NASTY, ["line break", "tab here"]),
        ("number", NUMBER, [5, -3, 0.1, 1e-07, 123456789012345, -0.25], [50, 3, 0.11]),
        ("singleSelect", OPTIONS, NASTY[:4], NASTY[4:]),
        ("multipleSelects", OPTIONS, [NASTY[:2], [NASTY[2]]], [NASTY[:3], [NASTY[4]]]),
        ("date", DAY, ["2026-03-01", "1969-12-31"], ["2026-03-02"]),
    ],
)
async def test_keys_of_each_type_are_found_whatever_they_hold(
    rig: Rig,
    airtable: AirtableClient,
    type_: str,
    more: Json,
    cells: list[Any],
    others: list[Any],
) -> None:
    to, (_, key) = await rig.new_table(text("Name"), {"name": "K", "type": type_, **more})
    made = {}
    for each in [*cells, *others]:
        body = {"records": [{"fields": {key: each}}]}
        answer = await rig.call(rig.airtable, "POST", f"/v0/{to.base_id}/{to.table_id}", body)
        made[str(each)] = answer["records"][0]["id"]
    lookup = Lookup(airtable, to.base_id, to.table_id, Field(key, "K", type_))
    found = await lookup.row_ids([*cells, "missing" if type_ != "number" else 99])
    assert found == [*(made[str(each)] for each in cells), None]


async def test_of_a_key_that_two_rows_have_neither_is_taken(
    rig: Rig, airtable: AirtableClient
) -> None:
    to, (key,) = await rig.new_table(text("K"))
    body = {"records": [{"fields": {key: each}} for each in ("twice", "twice", "once")]}
    made = await rig.call(rig.airtable, "POST", f"/v0/{to.base_id}/{to.table_id}", body)
    lookup = Lookup(airtable, to.base_id, to.table_id, Field(key, "K", "singleLineText"))
    assert await lookup.row_ids(["twice", "once"]) == [None, made["records"][2]["id"]]
