"""Airtable's data API, read and written by pyairtable, which nobody here wrote."""

import pytest
import requests
from pyairtable import Api
from pyairtable.models.schema import TableSchema
from tablesync.test_kit import SandboxControl

KEY = "HubSpot ID"


def contacts(airtable: Api):
    base = next(base for base in airtable.bases() if base.name == "Acme contacts")
    return base.table("Contacts")


def refusal(error: pytest.ExceptionInfo[requests.HTTPError]) -> tuple[int, dict]:
    response = error.value.response
    return response.status_code, response.json()["error"]


async def test_whoami_names_user_and_scopes(airtable: Api):
    who = airtable.whoami()
    assert who["id"].startswith("usrAda")
    assert len(who["id"]) == 17
    assert who["email"] == "ada@acme.test"
    assert "data.records:write" in who["scopes"]


async def test_schema_has_the_key_and_typed_fields(airtable: Api):
    schema: TableSchema = contacts(airtable).schema()
    assert schema.fields[0].name == KEY
    assert schema.primary_field_id == schema.fields[0].id
    types = {field.name: field.type for field in schema.fields}
    assert types["Email"] == "email"
    assert types["Message"] == "multilineText"
    assert types["Loyalty tier"] == "singleSelect"
    assert types["Interests"] == "multipleSelects"
    assert types["Member since"] == "date"
    assert types["Create date"] == "dateTime"
    assert types["Unsubscribed from all email"] == "checkbox"


async def test_records_live_through_create_get_update_replace_delete(airtable: Api):
    table = contacts(airtable)
    made = table.create({KEY: "1", "City": "東京", "Unsubscribed from all email": False})
    assert made["fields"] == {KEY: "1", "City": "東京"}
    assert made["createdTime"].endswith(".000Z")
    changed = table.update(made["id"], {"City": None, "First name": "Ada 👩‍🚀"})
    assert changed["fields"] == {KEY: "1", "First name": "Ada 👩‍🚀"}
    replaced = table.update(made["id"], {"Last name": "L"}, replace=True)
    assert replaced["fields"] == {"Last name": "L"}
    assert table.get(made["id"])["fields"] == {"Last name": "L"}
    assert table.delete(made["id"]) == {"id": made["id"], "deleted": True}
    assert table.all() == []


async def test_iterating_follows_offsets(airtable: Api):
    table = contacts(airtable)
    table.batch_create([{KEY: str(n)} for n in range(250)])
    pages = list(table.iterate(page_size=100))
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [row["fields"][KEY] for page in pages for row in page] == [str(n) for n in range(250)]


async def test_offset_looks_like_an_iterator_and_dies(airtable: Api):
    table = contacts(airtable)
    table.batch_create([{KEY: str(n)} for n in range(3)])
    page = airtable.get(table.urls.records, params={"pageSize": 2})
    assert page["offset"].startswith("itr")
    assert "/rec" in page["offset"]
    with pytest.raises(requests.HTTPError) as error:
        airtable.get(table.urls.records, params={"offset": "itrAAAAAAAAAAAAAA/recAAAAAAAAAAAAAA"})
    assert refusal(error)[1]["type"] == "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"


async def test_filter_sort_fields_and_maximum(airtable: Api):
    table = contacts(airtable)
    table.batch_create([{KEY: str(n), "Number of associated deals": n % 3} for n in range(9)])
    found = table.all(
        formula='AND({Number of associated deals} = 2, {HubSpot ID} != "8")',
        sort=["-HubSpot ID"],
        fields=[KEY],
        max_records=2,
    )
    assert [row["fields"] for row in found] == [{KEY: "5"}, {KEY: "2"}]


async def test_long_urls_go_through_list_records(airtable: Api):
    table = contacts(airtable)
    table.batch_create([{KEY: "7"}])
    long = " ".join(["x"] * 9000)
    assert table.all(formula=f'OR({{HubSpot ID}} = "7", {{City}} = "{long}")')[0]["fields"]


async def test_fields_by_id(airtable: Api):
    table = contacts(airtable)
    key_id = table.schema().fields[0].id
    made = table.create({key_id: "5"}, use_field_ids=True)
    assert made["fields"] == {key_id: "5"}


async def test_cells_as_text_are_what_people_see(airtable: Api):
    table = contacts(airtable)
    options = [each.options.choices for each in table.schema().fields if each.name == "Interests"]
    interests = [each.name for each in options[0][:2]]
    made = table.create(
        {
            KEY: "7",
            "Interests": interests,
            "Unsubscribed from all email": True,
            "Number of associated deals": 3,
        }
    )
    shown = {
        KEY: "7",
        "Interests": ", ".join(interests),
        "Unsubscribed from all email": "checked",
        "Number of associated deals": "3",
    }
    asked = {"cell_format": "string", "time_zone": "Europe/Berlin", "user_locale": "en-gb"}
    assert table.get(made["id"], **asked)["fields"] == shown
    assert [each["fields"] for each in table.all(**asked)] == [shown]
    for missing in ("time_zone", "user_locale"):
        with pytest.raises(requests.HTTPError) as error:
            table.all(**{name: value for name, value in asked.items() if name != missing})
        assert refusal(error)[0] == 422
    with pytest.raises(requests.HTTPError) as error:
        table.all(**asked | {"time_zone": "Mars/Olympus"})
    assert refusal(error)[0] == 422


async def test_upsert_creates_then_updates(airtable: Api):
    table = contacts(airtable)
    records = [{"fields": {KEY: str(n), "City": "Berlin"}} for n in range(25)]
    first = table.batch_upsert(records, [KEY])
    assert len(first["createdRecords"]) == 25
    second = table.batch_upsert(records, [KEY])
    assert second["updatedRecords"] == first["createdRecords"]
    assert second["createdRecords"] == []


async def test_upsert_with_two_matches_fails_the_whole_request(
    airtable: Api, sandbox: SandboxControl
):
    table = contacts(airtable)
    table.batch_create([{KEY: "twice"}, {KEY: "twice"}])
    with pytest.raises(requests.HTTPError) as error:
        table.batch_upsert([{"fields": {KEY: "new"}}, {"fields": {KEY: "twice"}}], [KEY])
    assert refusal(error)[0] == 422
    assert len(table.all()) == 2
    counters = (await sandbox.counters())["airtable"]
    assert counters["upsert_duplicates"] == 1
    assert counters["duplicates"] == 1


async def test_upsert_by_several_fields_and_by_id(airtable: Api):
    table = contacts(airtable)
    both = [KEY, "Member since"]
    table.batch_create([{KEY: "1", "Member since": "2024-01-01"}])
    row = {"fields": {KEY: "1", "Member since": "2024-01-02"}}
    assert len(table.batch_upsert([row], both)["createdRecords"]) == 1
    known = table.first(formula="{Member since} = '2024-01-01'")
    by_id = {"id": known["id"], "fields": {"City": "Kraków"}}
    assert table.batch_upsert([by_id], [KEY])["updatedRecords"] == [known["id"]]
    with pytest.raises(requests.HTTPError) as error:
        table.batch_upsert([{"id": "recAAAAAAAAAAAAAA", "fields": {}}], [KEY])
    assert refusal(error)[1]["type"] == "ROW_DOES_NOT_EXIST"


async def test_upsert_follows_an_edited_key(airtable: Api):
    table = contacts(airtable)
    made = table.batch_upsert([{"fields": {KEY: "old"}}], [KEY])["createdRecords"]
    table.update(made[0], {KEY: "new"})
    assert table.batch_upsert([{"fields": {KEY: "new"}}], [KEY])["updatedRecords"] == made
    assert len(table.batch_upsert([{"fields": {KEY: "old"}}], [KEY])["createdRecords"]) == 1
    table.delete(made[0])
    assert len(table.batch_upsert([{"fields": {KEY: "new"}}], [KEY])["createdRecords"]) == 1


async def test_merging_on_an_email_field_is_refused(airtable: Api):
    with pytest.raises(requests.HTTPError) as error:
        contacts(airtable).batch_upsert([{"fields": {"Email": "a@b.c"}}], ["Email"])
    assert refusal(error)[0] == 422


async def test_one_bad_record_of_ten_fails_the_batch(airtable: Api, sandbox: SandboxControl):
    table = contacts(airtable)
    rows = [{KEY: str(n), "Number of associated deals": n} for n in range(9)]
    with pytest.raises(requests.HTTPError) as error:
        table.batch_create([*rows, {KEY: "9", "Number of associated deals": "nine"}])
    assert refusal(error) == (
        422,
        {
            "type": "INVALID_VALUE_FOR_COLUMN",
            "message": 'Field "Number of associated deals" cannot accept the provided value',
        },
    )
    assert table.all() == []
    assert (await sandbox.counters())["airtable"]["records_created"] == 0


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ({"Foo": 1}, "UNKNOWN_FIELD_NAME", 'Unknown field name: "Foo"'),
        (
            {"Loyalty tier": "Bar"},
            "INVALID_MULTIPLE_CHOICE_OPTIONS",
            'Insufficient permissions to create new select option ""Bar""',
        ),
        (
            {"Member since": "2024-01-01T00:00:00Z"},
            "INVALID_VALUE_FOR_COLUMN",
            'Field "Member since" cannot accept the provided value',
        ),
    ],
)
async def test_refused_values_have_airtables_codes(airtable: Api, fields, kind, message):
    with pytest.raises(requests.HTTPError) as error:
        contacts(airtable).create(fields)
    assert refusal(error) == (422, {"type": kind, "message": message})


async def test_typecast_converts_and_adds_options(airtable: Api):
    table = contacts(airtable)
    made = table.create(
        {
            "Number of associated deals": "1,024",
            "Unsubscribed from all email": "yes",
            "Member since": "2024-05-06T23:00:00Z",
            "Loyalty tier": "diamond",
            "Interests": "automation, sailing",
        },
        typecast=True,
    )
    assert made["fields"] == {
        "Number of associated deals": 1024,
        "Unsubscribed from all email": True,
        "Member since": "2024-05-06",
        "Loyalty tier": "diamond",
        "Interests": ["automation", "sailing"],
    }
    options = table.schema(force=True).field("Loyalty tier").options
    assert "diamond" in [choice.name for choice in options.choices]


async def test_eleven_records_are_too_many(airtable: Api):
    url = contacts(airtable).urls.records
    with pytest.raises(requests.HTTPError) as error:
        airtable.post(url, json={"records": [{"fields": {}}] * 11})
    assert "A maximum of 10 records can be created per request but you have provided 11." in str(
        refusal(error)[1]
    )
    with pytest.raises(requests.HTTPError) as error:
        airtable.patch(url, json={"records": [{"id": "rec", "fields": {}}] * 11})
    assert refusal(error)[1]["type"] == "INVALID_RECORDS"


async def test_a_long_note_survives(airtable: Api):
    note = "Zeile ☎️\n" * 5000
    made = contacts(airtable).create({"Message": note})
    assert made["fields"]["Message"] == note


async def test_tables_and_fields_are_created(airtable: Api):
    base = airtable.bases()[0]
    table = base.create_table("Notes", [{"name": "Title", "type": "singleLineText"}])
    field = table.create_field("Score", "number", options={"precision": 1})
    assert field.name == "Score"
    assert [entry.name for entry in table.schema(force=True).fields] == ["Title", "Score"]
    with pytest.raises(requests.HTTPError) as error:
        table.create_field("score", "singleLineText")
    assert refusal(error)[1]["type"] == "DUPLICATE_OR_EMPTY_FIELD_NAME"
    with pytest.raises(requests.HTTPError) as error:
        table.create_field("When", "createdTime")
    assert refusal(error)[1]["type"] == "UNSUPPORTED_FIELD_TYPE_FOR_CREATE"


async def test_missing_things_answer_as_airtable_does(airtable: Api, sandbox: SandboxControl):
    table = contacts(airtable)
    with pytest.raises(requests.HTTPError) as error:
        table.get("recAAAAAAAAAAAAAA")
    assert refusal(error)[0] == 403
    assert refusal(error)[1]["type"] == "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"
    with pytest.raises(requests.HTTPError) as error:
        table.delete("recAAAAAAAAAAAAAA")
    assert refusal(error) == (404, {"type": "MODEL_ID_NOT_FOUND", "message": "Record not found"})
    with pytest.raises(requests.HTTPError) as error:
        airtable.get(f"{sandbox.url}/airtable/v0/nowhere")
    assert error.value.response.json() == {"error": "NOT_FOUND"}


async def test_scopes_and_granted_bases_are_held(airtable: Api, sandbox: SandboxControl):
    table = contacts(airtable)
    await sandbox.control("airtable", "ada@acme.test", "rescope", scopes=["data.records:read"])
    assert table.all() == []
    with pytest.raises(requests.HTTPError) as error:
        table.create({})
    assert refusal(error)[1]["type"] == "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"
    await sandbox.control("airtable", "ada@acme.test", "grant-bases", bases=[])
    with pytest.raises(requests.HTTPError) as error:
        table.all()
    assert refusal(error)[0] == 403
    assert airtable.whoami()["scopes"] == ["data.records:read"]


async def test_a_low_role_may_not_write(airtable: Api, sandbox: SandboxControl):
    table = contacts(airtable)
    base = table.base.id
    await sandbox.control("airtable", "ada@acme.test", "share", base=base, level="read")
    with pytest.raises(requests.HTTPError) as error:
        table.create({})
    assert refusal(error) == (
        403,
        {
            "type": "INVALID_PERMISSIONS",
            "message": "You are not permitted to perform this operation",
        },
    )
