"""Bad input: values that Airtable refuses, keys that are empty or double, things that are gone."""

from typing import Any

import pytest
from tablesync.contracts import Destination, FieldMapping, Provider, Source
from tablesync.sync_runner import store


async def table_for(rig: Any, *fields: dict[str, Any]) -> tuple[Destination, list[str]]:
    """Make a table of Ada's and give it with its field ids."""
    base = await rig.sandbox.control(
        "airtable", "-", "create-base", name="Own", tables=[{"name": "T", "fields": list(fields)}]
    )
    table = base["tables"][0]
    destination = Destination(
        connection_id="con_airtable", base_id=base["id"], table_id=table["id"]
    )
    return destination, [each["id"] for each in table["fields"]]


async def rejections(rig: Any, run_id: str) -> dict[str, Any]:
    """Return a run's rejections by record."""
    rows = await rig.database[store.REJECTIONS].find({"run_id": run_id}).to_list(None)
    return {row["source_id"]: row for row in rows}


async def some_ids(rig: Any, object_: str, count: int) -> list[str]:
    records = await rig.sandbox.records("hubspot", "7002", object=object_)
    return [each["id"] for each in records[:count]]


async def test_one_refused_record_of_ten_is_rejected_and_nine_are_written(rig: Any) -> None:
    spec = await rig.spec("deals")
    bad = (await some_ids(rig, "deals", 5))[4]
    await rig.sandbox.control(
        "hubspot", "7002", "edit", object="deals", ids=[bad], properties={"dealtype": "unheard-of"}
    )
    async with rig.runner():
        row = await rig.run(spec)
        assert row["status"] == "succeeded"
        assert row["summary"].startswith("succeeded, 1 rejected")
        assert row["counts"] == {"read": 20, "written": 19, "unchanged": 0, "rejected": 1}
        assert list(await rejections(rig, row["_id"])) == [bad]
        assert "unheard-of" in (await rejections(rig, row["_id"]))[bad]["reason"]
        assert not await rig.differences(spec)
        await rig.sandbox.control(
            "hubspot", "7002", "edit", object="deals", ids=[bad], properties={"dealtype": ""}
        )
        mended = await rig.run(spec)
    assert mended["counts"]["written"] == 1
    assert mended["counts"]["rejected"] == 0
    assert len(await rig.rows(spec)) == 20


async def much_later(rig: Any, spec: Any) -> None:
    """Put a sync's cursor so far ahead that its next pass finds no record by its change."""
    moved = await rig.database[store.CHECKPOINTS].update_one(
        {"_id": spec.sync_id}, {"$inc": {"cursor_ms": 86_400_000}}
    )
    assert moved.modified_count == 1


async def add_option(rig: Any, spec: Any, source: str, option: str) -> None:
    """Add a select option as an operator would, leaving the rows as they were."""
    field_id = next(each.field_id for each in spec.mapping if each.source == source)
    path = f"/airtable/v0/{spec.destination.base_id}/{spec.destination.table_id}"
    headers = {"Authorization": f"Bearer {rig.auth.held['con_airtable'].token}"}
    body = {"typecast": True, "records": [{"fields": {field_id: option}}]}
    made = await rig.sandbox._http.post(path, json=body, headers=headers)
    row_id = made.raise_for_status().json()["records"][0]["id"]
    gone = await rig.sandbox._http.delete(f"{path}/{row_id}", headers=headers)
    gone.raise_for_status()


async def test_a_rejected_record_is_written_once_its_option_exists(rig: Any) -> None:
    spec = await rig.spec("deals")
    bad = (await some_ids(rig, "deals", 5))[4]
    await rig.sandbox.control(
        "hubspot", "7002", "edit", object="deals", ids=[bad], properties={"dealtype": "unheard-of"}
    )
    async with rig.runner():
        await rig.run(spec)
        await much_later(rig, spec)
        still = await rig.run(spec)
        assert still["counts"] == {"read": 1, "written": 0, "unchanged": 0, "rejected": 1}
        assert list(await rejections(rig, still["_id"])) == [bad]
        await add_option(rig, spec, "dealtype", "unheard-of")
        await much_later(rig, spec)
        mended = await rig.run(spec)
        assert mended["counts"] == {"read": 1, "written": 1, "unchanged": 0, "rejected": 0}
        await much_later(rig, spec)
        settled = await rig.run(spec)
    assert settled["counts"] == {"read": 0, "written": 0, "unchanged": 0, "rejected": 0}
    await rig.database[store.REJECTIONS].delete_many({"sync_id": spec.sync_id})
    assert not await rig.differences(spec), "with nothing forgiven any more"


async def test_a_rejected_record_that_is_deleted_at_the_source_is_tried_no_more(rig: Any) -> None:
    spec = await rig.spec("deals")
    bad = (await some_ids(rig, "deals", 1))[0]
    await rig.sandbox.control(
        "hubspot", "7002", "edit", object="deals", ids=[bad], properties={"amount": "a lot"}
    )
    async with rig.runner():
        await rig.run(spec)
        await much_later(rig, spec)
        await rig.sandbox.control("hubspot", "7002", "archive", object="deals", ids=[bad])
        row = await rig.run(spec)
    assert row["counts"]["rejected"] == 0
    assert not await rig.database[store.RECORD_STATES].count_documents(
        {"sync_id": spec.sync_id, "rejected": True}
    )


@pytest.mark.parametrize("given_up_for", ["other@acme.test", ""])
async def test_a_key_that_its_owner_gives_up_is_another_record_s(
    rig: Any, given_up_for: str
) -> None:
    destination, (key, name) = await table_for(
        rig,
        {"name": "Mail", "type": "singleLineText"},
        {"name": "Name", "type": "singleLineText"},
    )
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
        await much_later(rig, spec)
        row = await rig.run(spec)
        assert list(await rejections(rig, row["_id"])) == ([] if given_up_for else [ids[3]])
        await edit_mail(rig, ids[3], "third@acme.test")
        last = await rig.run(spec)
    assert last["counts"]["rejected"] == 0
    rows = await rig.sandbox.records(
        "airtable", "-", base=destination.base_id, table=destination.table_id
    )
    mails = [each["fields"]["Mail"] for each in rows]
    assert len(mails) == len(set(mails)) == 20
    assert {"same@acme.test", "third@acme.test"} <= set(mails)
    assert (await rig.sandbox.counters())["airtable"]["duplicates"] == 0


async def edit_mail(rig: Any, record_id: str, mail: str) -> None:
    await rig.sandbox.control(
        "hubspot", "7002", "edit", object="contacts", ids=[record_id], properties={"email": mail}
    )


async def test_a_value_of_the_wrong_kind_names_record_field_and_reason(rig: Any) -> None:
    spec = await rig.spec("deals")
    bad = (await some_ids(rig, "deals", 1))[0]
    await rig.sandbox.control(
        "hubspot", "7002", "edit", object="deals", ids=[bad], properties={"amount": "a lot"}
    )
    async with rig.runner():
        row = await rig.run(spec)
    found = (await rejections(rig, row["_id"]))[bad]
    assert (row["status"], row["counts"]["rejected"]) == ("succeeded", 1)
    assert (found["field"], found["source_id"]) == ("Amount", bad)
    assert "'a lot' is not a number" in found["reason"]
    assert not await rig.differences(spec)


async def test_empty_and_double_keys_are_rejected_where_the_key_is_not_the_id(rig: Any) -> None:
    destination, (key, name) = await table_for(
        rig,
        {"name": "Mail", "type": "singleLineText"},
        {"name": "Name", "type": "singleLineText"},
    )
    ids = [each["id"] for each in await rig.sandbox.records("hubspot", "7002", object="contacts")]
    for record_id, mail in ((ids[3], "same@acme.test"), (ids[7], "same@acme.test"), (ids[5], "")):
        await rig.sandbox.control(
            "hubspot",
            "7002",
            "edit",
            object="contacts",
            ids=[record_id],
            properties={"email": mail},
        )
    spec = await rig.spec(
        "contacts",
        destination=destination,
        key=FieldMapping(source="email", field_id=key),
        mapping=(FieldMapping(source="firstname", field_id=name),),
    )
    async with rig.runner():
        row = await rig.run(spec)
        again = await rig.run(spec)
    found = await rejections(rig, row["_id"])
    assert row["status"] == again["status"] == "succeeded"
    assert found[ids[5]]["reason"] == 'its key "email" is empty'
    assert found[ids[7]]["reason"] == f'record {ids[3]} has the same "email"'
    assert row["counts"]["written"] == 20 - row["counts"]["rejected"]
    assert again["counts"]["written"] == 0
    assert (await rig.sandbox.counters())["airtable"]["duplicates"] == 0


async def test_a_deleted_row_is_made_again_when_its_record_changes(rig: Any) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        record = (await some_ids(rig, "deals", 1))[0]
        state = await rig.database[store.RECORD_STATES].find_one({"source_id": record})
        path = f"/airtable/v0/{spec.destination.base_id}/{spec.destination.table_id}"
        response = await rig.sandbox._http.delete(
            f"{path}/{state['row_id']}",
            headers={"Authorization": f"Bearer {rig.auth.held['con_airtable'].token}"},
        )
        response.raise_for_status()
        await rig.sandbox.control("hubspot", "7002", "edit", object="deals", ids=[record])
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
    rig: Any, change: str, cause: str, named: str
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
    if change == "key":
        changes["key"]["key"] = FieldMapping(source="id", field_id=await currency_field(rig, spec))
    async with rig.runner():
        row = await rig.run(spec.model_copy(update=changes[change]))
    assert (row["status"], row["cause"]) == ("failed", cause)
    assert named in row["summary"]
    assert not await rig.rows(spec)


async def test_a_provider_that_is_no_source_fails_the_run_without_a_token(rig: Any) -> None:
    spec = await rig.spec("deals")
    shop = Source(connection_id="con_shop", provider=Provider.SHOPIFY, object="products")
    async with rig.runner():
        row = await rig.run(spec.model_copy(update={"source": shop}))
    assert (row["status"], row["cause"]) == ("failed", "resource")
    assert row["summary"] == "TableSync cannot read from Shopify."
    assert await rig.events(row["_id"]) == ["failed"]
    assert not rig.auth.asked


async def currency_field(rig: Any, spec: Any) -> str:
    return next(each.id for each in rig.fields.values() if each.name == "Amount")


async def test_a_field_that_goes_in_the_middle_fails_the_run_by_name(rig: Any) -> None:
    await rig.fill(600, "contacts")
    spec = await rig.spec("contacts")
    await rig.sandbox.control("airtable", "-", "latency", ms=100)
    async with rig.runner(runner_writes_in_flight=1):
        run_id = await rig.enqueue(spec)
        await rig.reached(run_id, 10)
        city = next(each for each in spec.mapping if each.source == "city")
        await rig.sandbox.control(
            "airtable",
            "-",
            "delete-field",
            base=spec.destination.base_id,
            table=spec.destination.table_id,
            field="City",
        )
        row = await rig.ended(run_id)
    assert (row["status"], row["cause"]) == ("failed", "mapping")
    assert city.field_id in row["summary"]


async def test_a_changed_mapping_reads_and_writes_everything_again(rig: Any) -> None:
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


async def test_another_account_starts_from_nothing_and_leaves_the_old_rows(rig: Any) -> None:
    spec = await rig.spec("deals")
    async with rig.runner():
        await rig.run(spec)
        await rig.use_portal("7001")
        row = await rig.run(spec)
    assert row["counts"]["read"] == 500
    assert len(await rig.rows(spec)) >= 500
