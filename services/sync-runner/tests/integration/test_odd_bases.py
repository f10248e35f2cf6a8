"""What Airtable tells of a base: odd parts of it are odd alone, and lists have an end."""

from collections.abc import Callable

import pytest
from sync_runner_rig import WORKSPACE, Json, Rig, as_service
from tablesync.contracts import Provider, Trigger
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.mongo import Document

TEXT = {"id": "fldOther000000001", "name": "N", "type": "singleLineText"}
ODD: dict[str, Callable[[Json], object]] = {
    "a table without a name": lambda it: it.update(name=None),
    "a table without fields": lambda it: it.pop("fields"),
    "a table without an id": lambda it: it.pop("id"),
    "a field without a name": lambda it: it["fields"][0].update(name=None),
    "a field without a type": lambda it: it["fields"][0].pop("type"),
    "a field without an id": lambda it: it["fields"][0].pop("id"),
    "a field with odd options": lambda it: it["fields"][0].update(options=["x"]),
    "odd options of a select": lambda it: it["fields"][0].update(
        type="singleSelect", options={"choices": [None, 5, {"id": "x"}]}
    ),
}


async def run_in_a_base(rig: Rig, change: Callable[[list[Json]], object]) -> Document:
    """Sync the deals into a base of which Airtable tells something else than is so."""
    spec = await rig.spec("deals")
    base = spec.destination.base_id
    path = f"/v0/meta/bases/{base}/tables"
    told = await rig.call(rig.airtable, "GET", path)
    change(told["tables"])
    await rig.at_airtable("break", status=200, path_contains=path, body=told)
    async with rig.runner():
        return await rig.run(spec)


@pytest.mark.parametrize("name", ODD)
async def test_p29_an_odd_table_beside_ours_stops_nobody(rig: Rig, name: str) -> None:
    other: Json = {"id": "tblOther000000001", "name": "Other", "fields": [dict(TEXT)]}
    ODD[name](other)
    row = await run_in_a_base(rig, lambda tables: tables.append(other))
    assert row["status"] == "succeeded", row["summary"]
    assert row["counts"]["written"] == row["counts"]["read"] > 0


async def test_p29_an_odd_field_that_is_not_mapped_stops_nobody(rig: Rig) -> None:
    row = await run_in_a_base(rig, lambda tables: tables[0]["fields"].append({"id": "fldOdd"}))
    assert row["status"] == "succeeded", row["summary"]


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.pop("fields"),
        lambda it: it.pop("id"),
        lambda it: it["fields"][0].pop("type"),
        lambda it: it["fields"][0].pop("id"),
    ],
    ids=["the table", "the table's id", "a mapped field", "the id of a mapped field"],
)
async def test_what_is_odd_of_our_own_table_is_the_providers_trouble(
    rig: Rig, change: Callable[[Json], object]
) -> None:
    other: Json = {"id": "tblOther000000001", "name": "Other", "fields": [dict(TEXT)]}

    def change_ours(tables: list[Json]) -> None:
        for each in tables:
            change(each)
        tables.append(other)

    row = await run_in_a_base(rig, change_ours)
    assert (row["status"], row["cause"]) == ("failed", "provider"), row["summary"]
    assert "is not understood" in row["summary"]


@pytest.mark.parametrize("records", [[], [{"id": "recAAAAAAAAAAAAAA", "fields": {}}]])
async def test_p28_a_check_ends_where_the_tables_rows_go_in_a_circle(
    rig: Rig, records: list[Json]
) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        page = {"records": records, "offset": "itrX/recY"}
        await rig.at_airtable("break", status=200, path_contains="/listRecords", body=page)
        before = (await rig.counters(Provider.AIRTABLE))["requests"]
        row = await rig.ended(await rig.enqueue(spec, Trigger.MANUAL, check=True))
    assert (row["status"], row["cause"]) == ("failed", "provider"), row["summary"]
    assert "to their end" in row["summary"]
    assert (await rig.counters(Provider.AIRTABLE))["requests"] - before < 20


async def test_an_odd_base_hides_no_other(rig: Rig, service_keys: ServiceKeys) -> None:
    known = {"id": "appAAAAAAAAAAAAAA", "name": "Deals"}
    body = {"bases": [None, {"id": "appOdd", "name": None}, known, {"name": "No id"}]}
    await rig.at_airtable("break", status=200, path_contains="/meta/bases", body=body)
    async with rig.http("api") as http:
        answer = await http.get(
            "/internal/v1/catalog/con_airtable/bases",
            params={"workspace_id": WORKSPACE},
            auth=as_service(service_keys, "scheduler"),
        )
    assert answer.status_code == 200, answer.text
    assert answer.json()["items"] == [known]


async def test_p28_a_check_ends_where_the_same_rows_come_with_ever_new_offsets(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        for number in range(50):
            records = [{"id": "recAAAAAAAAAAAAAA", "fields": {}}]
            page = {"records": records, "offset": f"itrX/recY{number}"}
            path = "/listRecords"
            await rig.at_airtable("break", status=200, path_contains=path, body=page, count=1)
        row = await rig.ended(await rig.enqueue(spec, Trigger.MANUAL, check=True))
    assert (row["status"], row["cause"]) == ("failed", "provider"), row["summary"]
    assert "to their end" in row["summary"]
