"""Bad input: values that Airtable refuses, keys that are empty or double, things that are gone."""

from typing import Any

import pytest
from sync_runner_rig import Rig, text
from tablesync.contracts import FieldMapping, Provider, Source, SyncSpec
from tablesync.sync_runner import store


async def some_ids(rig: Rig, object_: str, count: int) -> list[str]:
    records = await rig.hubspot_records(object_)
    return [each["id"] for each in records[:count]]


async def test_one_refused_record_of_ten_is_rejected_and_nine_are_written(rig: Rig) -> None:
    spec = await rig.spec("deals")
    bad = (await some_ids(rig, "deals", 5))[4]
    await rig.edit("deals", [bad], dealtype="unheard-of")
    async with rig.runner():
        row = await rig.run(spec)
        assert row["status"] == "succeeded"
        assert row["summary"].startswith("succeeded, 1 rejected")
        assert row["counts"] == {"read": 20, "written": 19, "unchanged": 0, "rejected": 1}
        assert list(await rig.rejections(row["_id"])) == [bad]
        assert "unheard-of" in (await rig.rejections(row["_id"]))[bad]["reason"]
        assert not await rig.differences(spec)
        await rig.edit("deals", [bad], dealtype="")
        mended = await rig.run(spec)
    assert mended["counts"]["written"] == 1
    assert mended["counts"]["rejected"] == 0
    assert len(await rig.rows(spec)) == 20


async def add_option(rig: Rig, spec: SyncSpec, source: str, option: str) -> None:
    """Add a select option as an operator would, leaving the rows as they were."""
    field_id = next(each.field_id for each in spec.mapping if each.source == source)
    body = {"typecast": True, "records": [{"fields": {field_id: option}}]}
    made = await rig.call(rig.airtable, "POST", rows_of(spec), body)
    await rig.call(rig.airtable, "DELETE", f"{rows_of(spec)}/{made['records'][0]['id']}")


def rows_of(spec: SyncSpec) -> str:
    """Return the path of a table's rows."""
    return f"/v0/{spec.destination.base_id}/{spec.destination.table_id}"


async def test_a_rejected_record_is_written_once_its_option_exists(rig: Rig) -> None:
    spec = await rig.spec("deals")
    bad = (await some_ids(rig, "deals", 5))[4]
    await rig.edit("deals", [bad], dealtype="unheard-of")
    async with rig.runner():
        await rig.run(spec)
        await rig.much_later(spec)
        still = await rig.run(spec)
        assert still["counts"] == {"read": 1, "written": 0, "unchanged": 0, "rejected": 1}
        assert list(await rig.rejections(still["_id"])) == [bad]
        await add_option(rig, spec, "dealtype", "unheard-of")
        await rig.much_later(spec)
        mended = await rig.run(spec)
        assert mended["counts"] == {"read": 1, "written": 1, "unchanged": 0, "rejected": 0}
        await rig.much_later(spec)
        settled = await rig.run(spec)
    assert settled["counts"] == {"read": 0, "written": 0, "unchanged": 0, "rejected": 0}
    await rig.database[store.REJECTIONS].delete_many({"sync_id": spec.sync_id})
    assert not await rig.differences(spec), "with nothing forgiven any more"


async def test_a_rejected_record_that_is_deleted_at_the_source_is_tried_no_more(rig: Rig) -> None:
    spec = await rig.spec("deals")
    bad = (await some_ids(rig, "deals", 1))[0]
    await rig.edit("deals", [bad], amount="a lot")
    async with rig.runner():
        await rig.run(spec)
        await rig.much_later(spec)
        await rig.at_hubspot("archive", object="deals", ids=[bad])
        row = await rig.run(spec)
    assert row["counts"]["rejected"] == 0
    assert not await rig.database[store.RECORD_STATES].count_documents(
        {"sync_id": spec.sync_id, "rejected": True}
    )


@pytest.mark.parametrize("given_up_for", ["other@acme.test", ""])
async def test_a_key_that_its_owner_gives_up_is_another_record_s(
    rig: Rig, given_up_for: str
) -> None:
    destination, (key, name) = await rig.new_table(text("Mail"), text("Name"))
    await rig.fill(20, "contacts")
    ids = await some_ids(rig, "contacts", 20)
    for number, record_id in enumerate(ids):
        mail = "same@acme.test" if number in (3, 7) else f"{number}@acme.test"
        await edit_mail(rig, record_id, mail)
    spec = await rig.spec(
        "contacts",
        destination=destination,
        key=FieldMapping(source="email", field_id=key),
        mapping=(FieldMapping(source="firstname", field_id=name),),
    )
    async with rig.runner():
        assert (await rig.run(spec))["counts"]["rejected"] == 1
        await edit_mail(rig, ids[3], given_up_for)
        await rig.run(spec)
        await rig.much_later(spec)
        row = await rig.run(spec)
        assert list(await rig.rejections(row["_id"])) == ([] if given_up_for else [ids[3]])
        await edit_mail(rig, ids[3], "third@acme.test")
        last = await rig.run(spec)
    assert last["counts"]["rejected"] == 0
    mails = [each["Mail"] for each in await rig.named_rows(spec)]
    assert len(mails) == len(set(mails)) == 20
    assert {"same@acme.test", "third@acme.test"} <= set(mails)
    assert (await rig.counters(Provider.AIRTABLE))["duplicates"] == 0


async def edit_mail(rig: Rig, record_id: str, mail: str) -> None:
    await rig.edit("contacts", [record_id], email=mail)


async def test_a_value_of_the_wrong_kind_names_record_field_and_reason(rig: Rig) -> None:
    spec = await rig.spec("deals")
    bad = (await some_ids(rig, "deals", 1))[0]
    await rig.edit("deals", [bad], amount="a lot")
    async with rig.runner():
        row = await rig.run(spec)
    found = (await rig.rejections(row["_id"]))[bad]
    assert (row["status"], row["counts"]["rejected"]) == ("succeeded", 1)
    assert (found["field"], found["source_id"]) == ("Amount", bad)
    assert "'a lot' is not a number" in found["reason"]
    assert not await rig.differences(spec)


async def test_empty_and_double_keys_are_rejected_where_the_key_is_not_the_id(rig: Rig) -> None:
    destination, (key, name) = await rig.new_table(text("Mail"), text("Name"))
    ids = [each["id"] for each in await rig.hubspot_records("contacts")]
    for record_id, mail in ((ids[3], "same@acme.test"), (ids[7], "same@acme.test"), (ids[5], "")):
        await rig.edit("contacts", [record_id], email=mail)
    spec = await rig.spec(
        "contacts",
        destination=destination,
        key=FieldMapping(source="email", field_id=key),
        mapping=(FieldMapping(source="firstname", field_id=name),),
    )
    async with rig.runner():
        row = await rig.run(spec)
        again = await rig.run(spec)
    found = await rig.rejections(row["_id"])
    assert row["status"] == again["status"] == "succeeded"
    assert found[ids[5]]["reason"] == 'its key "email" is empty'
    assert found[ids[7]]["reason"] == f'record {ids[3]} has the same "email"'
    assert row["counts"]["written"] == 20 - row["counts"]["rejected"]
    assert again["counts"]["written"] == 0
    assert (await rig.counters(Provider.AIRTABLE))["duplicates"] == 0


async def test_the_comparison_forgives_only_what_the_last_run_rejected(rig: Rig) -> None:
    to, (key, points) = await rig.new_table(
        text("Key"), {"name": "Points", "type": "number", "options": {"precision": 0}}
    )
    mapped = [FieldMapping(source="dealname", field_id=points)]
    spec = await rig.spec(
        "deals", destination=to, key=FieldMapping(source="id", field_id=key), mapping=mapped
    )
    ids = [each["id"] for each in await rig.deals()]
    async with rig.runner():
        await rig.edit("deals", ids, dealname="5")
        await rig.edit("deals", ids[:1], dealname="no number")
        assert list(await rig.rejections((await rig.run(spec))["_id"])) == ids[:1]
        assert not await rig.differences(spec)
        await rig.edit("deals", ids[:1], dealname="6")
        assert (await rig.run(spec))["counts"]["rejected"] == 0
        row = (await rig.row_ids(spec))[ids[0]]
        await rig.at_table(spec, "delete-rows", rows=[row])
    assert (await rig.differences(spec)).missing == ids[:1]


async def test_a_deleted_row_is_made_again_when_its_record_changes(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        record = (await some_ids(rig, "deals", 1))[0]
        state = await rig.stored(store.RECORD_STATES, f"{spec.sync_id}/{record}")
        await rig.call(rig.airtable, "DELETE", f"{rows_of(spec)}/{state['row_id']}")
        await rig.edit("deals", [record])
        row = await rig.run(spec)
    assert row["counts"]["written"] == 1
    assert not await rig.differences(spec)


@pytest.mark.parametrize(
    ("change", "cause", "named"),
    [
        ("table", "resource", "tblMissing0000000"),
        ("base", "resource", "appMissing0000000"),
        ("object", "resource", "tickets"),
        ("field", "mapping", "fldMissing0000000"),
        ("property", "mapping", "no_such_property"),
        ("key", "mapping", "Amount"),
    ],
)
async def test_what_is_missing_fails_the_run_by_name(
    rig: Rig, change: str, cause: str, named: str
) -> None:
    spec = await rig.spec("deals")
    to = spec.destination
    amount = next(each for each in spec.mapping if each.source == "amount")
    changes: dict[str, Any] = {
        "table": {"destination": to.model_copy(update={"table_id": named})},
        "base": {"destination": to.model_copy(update={"base_id": named})},
        "object": {"source": Source(**spec.source.model_dump() | {"object": named})},
        "field": {"mapping": (FieldMapping(source="amount", field_id=named),)},
        "property": {"mapping": (FieldMapping(source=named, field_id=amount.field_id),)},
        "key": {"key": FieldMapping(source="id", field_id=amount.field_id)},
    }
    async with rig.runner():
        row = await rig.run(spec.model_copy(update=changes[change]))
        remembered = {"names": {named: "What it was"}, "version": 2}
        again = await rig.run(spec.model_copy(update=changes[change] | remembered))
    assert (row["status"], row["cause"]) == ("failed", cause)
    assert named in row["summary"]
    if change in ("table", "base", "field"):
        assert f'"What it was" ({named})' in again["summary"]
    assert not await rig.rows(spec)


@pytest.mark.parametrize("odd", ["..", ".", "a/b", "a\x00b", "app" + "a" * 5_000, ""])
@pytest.mark.parametrize("member", ["base_id", "table_id"])
async def test_p30_an_odd_id_in_an_event_reaches_neither_a_path_nor_a_budget(
    rig: Rig, member: str, odd: str
) -> None:
    spec = await rig.spec("deals")
    to = spec.destination.model_copy(update={member: odd})
    async with rig.runner():
        row = await rig.run(spec.model_copy(update={"destination": to}))
    assert (row["status"], row["cause"]) == ("failed", "resource")
    assert len(row["summary"]) < 200
    asked = (await rig.sandbox.log(provider="airtable"))["requests"]
    allowed = f"/airtable/v0/meta/bases/{spec.destination.base_id}/tables"
    assert {each["path"] for each in asked} <= {allowed}
    names = await rig.database["budgets"].distinct("_id")
    assert not [each for each in names if odd and each.endswith(odd)]


async def test_a_provider_that_is_no_source_fails_the_run_without_a_token(rig: Rig) -> None:
    spec = await rig.spec("deals")
    shop = Source(connection_id="con_shop", provider=Provider.SHOPIFY, object="products")
    async with rig.runner():
        row = await rig.run(spec.model_copy(update={"source": shop}))
    assert (row["status"], row["cause"]) == ("failed", "resource")
    assert row["summary"] == "TableSync cannot read from Shopify."
    assert await rig.events(row["_id"]) == ["failed"]
    assert not rig.auth.asked


async def test_a_field_that_goes_in_the_middle_fails_the_run_by_name(rig: Rig) -> None:
    await rig.fill(600, "contacts")
    spec = await rig.spec("contacts")
    await rig.slow_down(Provider.AIRTABLE, 100)
    async with rig.runner(runner_writes_in_flight=1):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 10)
        city = next(each for each in spec.mapping if each.source == "city")
        await rig.at_airtable(
            "delete-field",
            base=spec.destination.base_id,
            table=spec.destination.table_id,
            field="City",
        )
        row = await rig.ended(run_id)
    assert (row["status"], row["cause"]) == ("failed", "mapping")
    assert city.field_id in row["summary"]


async def test_a_changed_name_alone_reads_nothing_again(rig: Rig) -> None:
    spec = await rig.spec("deals")
    names = {each.field_id: "Another name" for each in spec.mapping}
    async with rig.runner():
        first = await rig.run(spec)
        row = await rig.run(spec.model_copy(update={"names": names, "version": 2}))
    assert first["counts"]["read"] > row["counts"]["read"]
    assert row["counts"]["written"] == 0


async def test_a_changed_mapping_reads_and_writes_everything_again(rig: Rig) -> None:
    spec = await rig.spec("deals")
    fewer = spec.model_copy(update={"mapping": spec.mapping[:3], "version": 1})
    more = spec.model_copy(update={"version": 2})
    async with rig.runner():
        await rig.run(fewer)
        row = await rig.run(more)
        older = await rig.run(fewer)
    assert row["counts"] == {"read": 20, "written": 20, "unchanged": 0, "rejected": 0}
    assert older["counts"]["written"] == 0, "a run never goes back to an older spec"
    assert not await rig.differences(spec)
    assert len(await rig.rows(spec)) == 20


async def test_another_account_starts_from_nothing_and_leaves_the_old_rows(rig: Rig) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        await rig.use_portal("7001")
        row = await rig.run(spec)
    assert row["counts"]["read"] == 500
    assert len(await rig.rows(spec)) >= 500
