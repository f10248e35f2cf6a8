"""One sync from request to rows: first pass, second pass, edits."""

from typing import Any

import pytest
from tablesync.contracts import Destination, FieldMapping, SyncSpec

# More than fit into a query.
WIDE = [f"a_property_with_a_rather_long_name_{n:02d}" for n in range(60)]


@pytest.mark.parametrize("object_", ["contacts", "companies", "deals"])
async def test_a_first_run_fills_the_table(rig: Any, object_: str) -> None:
    spec = await rig.spec(object_)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert row["counts"] == {"read": 20, "written": 20, "unchanged": 0, "rejected": 0}
    assert not await rig.differences(spec)
    assert await rig.events(row["_id"]) == ["started", "succeeded"]


async def test_awkward_values_arrive_as_they_are(rig: Any) -> None:
    await rig.use_portal("7001")
    spec = await rig.spec("deals")
    async with rig.runner():
        row = await rig.run(spec)
    assert row["counts"] == {"read": 500, "written": 500, "unchanged": 0, "rejected": 0}
    assert not await rig.differences(spec)


async def test_s4_a_second_run_over_unchanged_data_writes_nothing(rig: Any) -> None:
    await rig.fill(250)
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        before = await rig.sandbox.counters()
        row = await rig.run(spec)
    after = await rig.sandbox.counters()
    assert row["status"] == "succeeded"
    assert row["counts"]["written"] == 0
    assert row["counts"]["unchanged"] == row["counts"]["read"] >= 230
    for counter in ("records_created", "records_updated"):
        assert after["airtable"][counter] == before["airtable"][counter]


async def test_only_what_was_edited_is_written_again(rig: Any) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        await rig.sandbox.control("hubspot", "7002", "edit", object="deals", count=13)
        row = await rig.run(spec)
    assert row["counts"]["written"] == 13
    assert not await rig.differences(spec)


async def test_batches_are_full(rig: Any) -> None:
    await rig.fill(203)
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
    seen = await rig.sandbox.log(provider="airtable")
    writes = [each for each in seen["requests"] if each["method"] == "PATCH"]
    assert len(writes) == 21


async def test_a_record_deleted_at_the_source_is_marked_if_that_is_mapped(rig: Any) -> None:
    spec = await rig.spec("deals")
    mark = await rig.sandbox.control(
        "airtable",
        "-",
        "add-field",
        base=spec.destination.base_id,
        table=spec.destination.table_id,
        field={
            "name": "Deleted at source",
            "type": "checkbox",
            "options": {"icon": "check", "color": "redBright"},
        },
    )
    mapped = FieldMapping(source="archived", field_id=mark["id"])
    spec = await rig.spec("deals", mapping=(*spec.mapping, mapped))
    ids = [each["id"] for each in await rig.sandbox.records("hubspot", "7002", object="deals")]
    await rig.sandbox.control("hubspot", "7002", "archive", object="deals", ids=ids[:1])
    async with rig.runner():
        await rig.run(spec)
        await rig.sandbox.control("hubspot", "7002", "archive", object="deals", ids=ids[4:6])
        row = await rig.run(spec)
    marked = [each for each in await rig.rows(spec) if each.get(mark["id"])]
    assert {each[spec.key.field_id] for each in marked} == set(ids[4:6])
    assert len(await rig.rows(spec)) == 19, "what was never there gets no row; nothing is deleted"
    assert row["counts"]["written"] == 2


async def test_more_properties_than_fit_into_a_query_are_read_by_ids(rig: Any) -> None:
    await rig.fill(130)
    spec = await wide_spec(rig, dict.fromkeys(WIDE, "singleLineText"))
    edits = {WIDE[7]: "seven", WIDE[59]: "last"}
    async with rig.runner():
        first = await rig.run(spec)
        await rig.sandbox.control(
            "hubspot", "7002", "edit", object="deals", count=130, properties=edits
        )
        row = await rig.run(spec)
    assert first["counts"]["written"] == row["counts"]["written"] == 130, row["summary"]
    found = await fields_of(rig, spec)
    assert {(each[WIDE[7]], each[WIDE[59]]) for each in found} == {("seven", "last")}


async def test_what_was_deleted_is_marked_where_records_are_read_by_ids(rig: Any) -> None:
    spec = await wide_spec(rig, dict.fromkeys(WIDE, "singleLineText") | {"archived": "checkbox"})
    ids = [each["id"] for each in await rig.sandbox.records("hubspot", "7002", object="deals")]
    gone = {"object": "deals", "ids": ids[4:6]}
    async with rig.runner():
        await rig.run(spec)
        await rig.sandbox.control("hubspot", "7002", "edit", **gone, properties={WIDE[7]: "seven"})
        await rig.sandbox.control("hubspot", "7002", "archive", **gone)
        row = await rig.run(spec)
    assert row["counts"]["written"] == 2, row["summary"]
    found = await fields_of(rig, spec)
    marked = {each["HubSpot ID"]: each[WIDE[7]] for each in found if each.get("archived")}
    assert marked == dict.fromkeys(ids[4:6], "seven")
    assert len(found) == 20


async def wide_spec(rig: Any, types: dict[str, str]) -> SyncSpec:
    """Make a sync of properties, each of them into a field of its own name and of this type."""
    for name in WIDE:
        await rig.sandbox.control(
            "hubspot", "7002", "property", object="deals", definition={"name": name}
        )
    checkbox = {"icon": "check", "color": "redBright"}
    fields = [
        {"name": name, "type": kind} | ({"options": checkbox} if kind == "checkbox" else {})
        for name, kind in {"HubSpot ID": "singleLineText", **types}.items()
    ]
    base = await rig.sandbox.control(
        "airtable", "-", "create-base", name="Wide", tables=[{"name": "T", "fields": fields}]
    )
    (table,) = base["tables"]
    key, *others = (each["id"] for each in table["fields"])
    return await rig.spec(
        "deals",
        destination=Destination(
            connection_id="con_airtable", base_id=base["id"], table_id=table["id"]
        ),
        key=FieldMapping(source="id", field_id=key),
        mapping=[
            FieldMapping(source=name, field_id=field_id)
            for name, field_id in zip(types, others, strict=True)
        ],
    )


async def fields_of(rig: Any, spec: SyncSpec) -> list[dict[str, Any]]:
    """Return the table's rows by field name."""
    found = await rig.sandbox.records(
        "airtable", "-", base=spec.destination.base_id, table=spec.destination.table_id
    )
    return [each["fields"] for each in found]
