"""One sync from request to rows: first pass, second pass, edits."""

import pytest
from sandbox_accounts import LARGE_PORTAL
from sync_runner_rig import Rig
from tablesync.contracts import FieldMapping, Provider, SyncSpec

# More than fit into a query.
WIDE = [f"a_property_with_a_rather_long_name_{n:02d}" for n in range(60)]


@pytest.mark.parametrize("object_", ["contacts", "companies", "deals"])
async def test_a_first_run_fills_the_table(rig: Rig, object_: str) -> None:
    spec = await rig.spec(object_)
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert row["counts"] == {"read": 20, "written": 20, "unchanged": 0, "rejected": 0}
    assert not await rig.differences(spec)
    assert await rig.events(row["_id"]) == ["started", "succeeded"]


async def test_awkward_values_arrive_as_they_are(rig: Rig) -> None:
    await rig.use_portal(LARGE_PORTAL)
    spec = await rig.spec("deals")
    async with rig.runner():
        row = await rig.run(spec)
    assert row["counts"] == {"read": 500, "written": 500, "unchanged": 0, "rejected": 0}
    assert not await rig.differences(spec)


async def test_s4_a_second_run_over_unchanged_data_writes_nothing(rig: Rig) -> None:
    await rig.fill(250)
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        before = await rig.counters(Provider.AIRTABLE)
        row = await rig.run(spec)
    after = await rig.counters(Provider.AIRTABLE)
    assert row["status"] == "succeeded"
    assert row["counts"]["written"] == 0
    assert row["counts"]["unchanged"] == row["counts"]["read"] >= 230
    for counter in ("records_created", "records_updated"):
        assert after[counter] == before[counter]


async def test_only_what_was_edited_is_written_again(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("edit", object="deals", count=13)
        row = await rig.run(spec)
    assert row["counts"]["written"] == 13
    assert not await rig.differences(spec)


async def test_batches_are_full(rig: Rig) -> None:
    await rig.fill(203)
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
    seen = await rig.sandbox.log(provider="airtable")
    writes = [each for each in seen["requests"] if each["method"] == "PATCH"]
    assert len(writes) == 21


async def test_a_record_deleted_at_the_source_is_marked_if_that_is_mapped(rig: Rig) -> None:
    spec = await rig.spec("deals")
    mark = await rig.at_airtable(
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
    ids = [each["id"] for each in await rig.deals()]
    await rig.at_hubspot("archive", object="deals", ids=ids[:1])
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("archive", object="deals", ids=ids[4:6])
        row = await rig.run(spec)
    marked = [each for each in await rig.rows(spec) if each.get(mark["id"])]
    assert {each[spec.key.field_id] for each in marked} == set(ids[4:6])
    assert len(await rig.rows(spec)) == 19, "what was never there gets no row; nothing is deleted"
    assert row["counts"]["written"] == 2


async def test_more_properties_than_fit_into_a_query_are_read_by_ids(rig: Rig) -> None:
    await rig.fill(130)
    spec = await wide_spec(rig, dict.fromkeys(WIDE, "singleLineText"))
    edits = {WIDE[7]: "seven", WIDE[59]: "last"}
    async with rig.runner():
        first = await rig.run(spec)
        await rig.at_hubspot("edit", object="deals", count=130, properties=edits)
        row = await rig.run(spec)
    assert first["counts"]["written"] == row["counts"]["written"] == 130, row["summary"]
    found = await rig.named_rows(spec)
    assert {(each[WIDE[7]], each[WIDE[59]]) for each in found} == {("seven", "last")}


async def test_what_was_deleted_is_marked_where_records_are_read_by_ids(rig: Rig) -> None:
    spec = await wide_spec(rig, dict.fromkeys(WIDE, "singleLineText") | {"archived": "checkbox"})
    ids = [each["id"] for each in await rig.deals()]
    gone = {"object": "deals", "ids": ids[4:6]}
    async with rig.runner():
        await rig.run(spec)
        await rig.at_hubspot("edit", **gone, properties={WIDE[7]: "seven"})
        await rig.at_hubspot("archive", **gone)
        row = await rig.run(spec)
    assert row["counts"]["written"] == 2, row["summary"]
    found = await rig.named_rows(spec)
    marked = {each["HubSpot ID"]: each[WIDE[7]] for each in found if each.get("archived")}
    assert marked == dict.fromkeys(ids[4:6], "seven")
    assert len(found) == 20


async def wide_spec(rig: Rig, types: dict[str, str]) -> SyncSpec:
    """Make a sync of properties, each of them into a field of its own name and of this type."""
    for name in WIDE:
        await rig.at_hubspot("property", object="deals", definition={"name": name})
    checkbox = {"icon": "check", "color": "redBright"}
    fields = [
        {"name": name, "type": kind} | ({"options": checkbox} if kind == "checkbox" else {})
        for name, kind in {"HubSpot ID": "singleLineText", **types}.items()
    ]
    to, (key, *others) = await rig.new_table(*fields)
    return await rig.spec(
        "deals",
        destination=to,
        key=FieldMapping(source="id", field_id=key),
        mapping=[
            FieldMapping(source=name, field_id=field_id)
            for name, field_id in zip(types, others, strict=True)
        ],
    )
