"""What people and plans do to a base beside the app: by hand in rows, full, synced, slow."""

import asyncio
import datetime

import pytest
import requests
from pyairtable import Api, Table
from pyairtable.formulas import match
from tablesync.test_kit import SandboxControl, eventually

KEY = "Key"
DAY = {"dateFormat": {"name": "european"}}
CLOCK = {**DAY, "timeFormat": {"name": "12hour"}, "timeZone": "utc"}
FIELDS = [
    {"name": KEY, "type": "singleLineText"},
    {"name": "Day", "type": "date", "options": DAY},
    {"name": "At", "type": "dateTime", "options": CLOCK},
]


async def new_table(airtable: Api, sandbox: SandboxControl, *more: dict) -> tuple[Table, dict]:
    """Make a base with a table T and others; return T, and what names it."""
    tables = [{"name": "T", "fields": FIELDS}, *more]
    base = await sandbox.control(
        "airtable", "ada@acme.test", "create-base", name="Own", tables=tables
    )
    return airtable.table(base["id"], "T"), {"base": base["id"], "table": "T"}


def refusal(error: pytest.ExceptionInfo[requests.HTTPError]) -> tuple[int, dict]:
    response = error.value.response
    return response.status_code, response.json()["error"]


async def test_rows_are_edited_and_deleted_by_hand(airtable: Api, sandbox: SandboxControl):
    table, place = await new_table(airtable, sandbox)
    one, other = table.batch_create([{KEY: "1", "Day": "2024-03-05"}, {KEY: "2"}])
    edit = {**place, "row": one["id"], "fields": {KEY: "changed", "Day": None}}
    await sandbox.control("airtable", "-", "edit-row", **edit)
    assert table.get(one["id"])["fields"] == {KEY: "changed"}
    await sandbox.control("airtable", "-", "delete-rows", **place, rows=[other["id"]])
    assert [row["id"] for row in table.all()] == [one["id"]]
    await sandbox.control("airtable", "-", "delete-rows", **place)
    assert table.all() == []


async def test_a_full_base_takes_updates_and_no_new_rows(airtable: Api, sandbox: SandboxControl):
    table, place = await new_table(airtable, sandbox)
    made = table.create({KEY: "1"})
    await sandbox.control("airtable", "-", "record-limit", base=place["base"], rows=1)
    assert table.update(made["id"], {KEY: "one"})["fields"] == {KEY: "one"}
    for write in (
        lambda: table.create({KEY: "2"}),
        lambda: table.batch_upsert([{"fields": {KEY: "2"}}], [KEY]),
    ):
        with pytest.raises(requests.HTTPError) as error:
            write()
        assert refusal(error)[0] == 422
        assert "record limit" in refusal(error)[1]["message"]
    await sandbox.control("airtable", "-", "record-limit", base=place["base"], rows=None)
    assert table.create({KEY: "2"})["fields"] == {KEY: "2"}


async def test_a_synced_table_is_read_only(airtable: Api, sandbox: SandboxControl):
    table, place = await new_table(airtable, sandbox)
    await sandbox.control("airtable", "-", "sync-table", **place)
    with pytest.raises(requests.HTTPError) as error:
        table.create({KEY: "1"})
    assert "externally synced" in refusal(error)[1]["message"]
    assert table.all() == []
    await sandbox.control("airtable", "-", "sync-table", **place, synced=False)
    assert table.create({KEY: "1"})


async def test_what_is_sent_twice_while_writes_are_slow_is_done_twice(
    airtable: Api, sandbox: SandboxControl
):
    table, _ = await new_table(airtable, sandbox)
    await sandbox.control("airtable", "-", "slow-writes", seconds=1)
    record = [{"fields": {KEY: "same"}}]
    upsert = asyncio.to_thread(table.batch_upsert, record, [KEY])
    again = asyncio.to_thread(table.batch_upsert, record, [KEY])
    await asyncio.gather(upsert, again)
    assert len(table.all()) == 2


async def test_an_answer_may_be_late_for_what_was_done(airtable: Api, sandbox: SandboxControl):
    table, place = await new_table(airtable, sandbox)
    late = {"late_seconds": 2, "count": 1, "path_contains": "/T"}
    await sandbox.control("airtable", "-", "break", **late)
    making = asyncio.create_task(asyncio.to_thread(table.create, {KEY: "1"}))
    assert await eventually(lambda: sandbox.records("airtable", "-", **place))
    assert not making.done()
    assert (await making)["fields"] == {KEY: "1"}


async def test_dates_are_matched_by_pyairtable_s_own_formula(
    airtable: Api, sandbox: SandboxControl
):
    table, _ = await new_table(airtable, sandbox)
    table.batch_create([{KEY: "1", "Day": "2024-03-05"}, {KEY: "2", "Day": "2024-03-06"}])
    found = table.all(formula=match({"Day": datetime.date(2024, 3, 5)}))
    assert [row["fields"][KEY] for row in found] == ["1"]
    assert len(table.all(formula="IS_AFTER(LAST_MODIFIED_TIME(),'2020-01-01')")) == 2


async def test_cells_are_texts_in_a_zone_and_in_their_field_s_format(
    airtable: Api, sandbox: SandboxControl
):
    table, _ = await new_table(airtable, sandbox)
    made = table.create({KEY: "1", "Day": "2024-03-05", "At": "2024-03-05T23:30:00.000Z"})
    shown = table.get(
        made["id"], cell_format="string", time_zone="Europe/Berlin", user_locale="en-gb"
    )
    assert shown["fields"] == {KEY: "1", "Day": "5/3/2024", "At": "6/3/2024 12:30am"}


async def test_links_are_to_records_that_exist_and_typecast_makes_them(
    airtable: Api, sandbox: SandboxControl
):
    table, place = await new_table(airtable, sandbox, {"name": "Linked", "fields": FIELDS[:1]})
    linked = airtable.table(place["base"], "Linked")
    there = linked.create({KEY: "there"})["id"]
    options = {"linkedTableId": linked.schema().id}
    table.create_field("L", "multipleRecordLinks", options=options)
    assert table.create({"L": [there]})["fields"]["L"] == [there]
    with pytest.raises(requests.HTTPError) as error:
        table.create({"L": ["recAAAAAAAAAAAAAA"]})
    assert refusal(error)[1]["type"] == "ROW_DOES_NOT_EXIST"
    with pytest.raises(requests.HTTPError) as error:
        table.create({"L": ["New one"]})
    assert refusal(error)[1]["type"] == "INVALID_VALUE_FOR_COLUMN"
    made = table.create({"L": ["there", "New one"]}, typecast=True)["fields"]["L"]
    assert made[0] == there
    assert linked.get(made[1])["fields"] == {KEY: "New one"}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("singleSelect", {"choices": [{"name": "a", "color": "mauve"}]}),
        ("duration", {"durationFormat": "zzz"}),
        ("multipleRecordLinks", {"linkedTableId": "tblAAAAAAAAAAAAAA"}),
    ],
)
async def test_options_that_do_not_exist_are_refused(
    airtable: Api, sandbox: SandboxControl, kind: str, options: dict
):
    table, _ = await new_table(airtable, sandbox)
    with pytest.raises(requests.HTTPError) as error:
        table.create_field("F", kind, options=options)
    status, body = refusal(error)
    assert (status, body["type"]) == (422, "INVALID_FIELD_TYPE_OPTIONS_FOR_CREATE")


async def test_people_make_computed_fields_that_nobody_writes(
    airtable: Api, sandbox: SandboxControl
):
    table, place = await new_table(airtable, sandbox)
    field = {"name": "F", "type": "formula", "options": {"formula": "1+1"}}
    await sandbox.control("airtable", "-", "add-field", **place, field=field)
    assert [each.type for each in table.schema().fields][-1] == "formula"
    with pytest.raises(requests.HTTPError) as error:
        table.create({"F": 2})
    assert "because the field is computed" in refusal(error)[1]["message"]
    with pytest.raises(requests.HTTPError) as error:
        table.batch_upsert([{"fields": {"F": 2}}], ["F"])
    assert refusal(error)[0] == 422


async def test_an_option_goes_and_cells_keep_it(airtable: Api, sandbox: SandboxControl):
    select = {
        "name": "Stage",
        "type": "singleSelect",
        "options": {"choices": [{"name": "a"}, {"name": "b"}]},
    }
    table, place = await new_table(airtable, sandbox)
    await sandbox.control("airtable", "-", "add-field", **place, field=select)
    kept = table.create({KEY: "1", "Stage": "b"})
    await sandbox.control("airtable", "-", "delete-option", **place, field="Stage", option="b")
    with pytest.raises(requests.HTTPError) as error:
        table.create({KEY: "2", "Stage": "b"})
    assert refusal(error)[1]["type"] == "INVALID_MULTIPLE_CHOICE_OPTIONS"
    assert table.get(kept["id"])["fields"]["Stage"] == "b"


async def test_a_value_that_nobody_may_write_is_refused_until_it_is_allowed(
    airtable: Api, sandbox: SandboxControl
):
    table, place = await new_table(airtable, sandbox)
    odd = {**place, "field": KEY, "value": "odd"}
    await sandbox.control("airtable", "-", "refuse-value", **odd)
    with pytest.raises(requests.HTTPError) as error:
        table.batch_create([{KEY: "even"}, {KEY: "odd"}])
    assert refusal(error)[1]["type"] == "INVALID_VALUE_FOR_COLUMN"
    assert table.all() == []
    await sandbox.control("airtable", "-", "refuse-value", **odd, refused=False)
    assert table.create({KEY: "odd"})["fields"] == {KEY: "odd"}


async def test_a_write_after_which_two_rows_have_one_key_is_counted(
    airtable: Api, sandbox: SandboxControl
):
    table, _ = await new_table(airtable, sandbox)
    first = table.batch_upsert([{"fields": {KEY: "1"}}, {"fields": {KEY: "2"}}], [KEY])
    one, two = first["createdRecords"]
    table.batch_update([{"id": one, "fields": {KEY: "2"}}, {"id": two, "fields": {KEY: "1"}}])
    assert (await sandbox.counters())["airtable"]["doubling_writes"] == 0
    table.update(one, {KEY: None})
    table.update(two, {KEY: "2"})
    table.update(one, {KEY: "1"})
    assert (await sandbox.counters())["airtable"]["doubling_writes"] == 0
    table.update(one, {KEY: "2"})
    table.update(one, {KEY: "3"})
    counters = (await sandbox.counters())["airtable"]
    assert (counters["doubling_writes"], counters["duplicates"]) == (1, 0)
