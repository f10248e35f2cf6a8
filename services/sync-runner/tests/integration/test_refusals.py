"""What Airtable refuses of all records alike ends the run; what it refuses of one is said of it."""

from collections.abc import Sequence
from typing import Any

import pytest
from sync_runner_rig import Json, Rig, text
from tablesync.contracts import FieldMapping, Provider, SyncSpec

UNHEARD_OF = "Das mag diese Tabelle heute nicht"


async def own_table(rig: Rig, *fields: Json, sources: Sequence[str] = ("dealname",)) -> SyncSpec:
    """Make a table of its own for deals: a text key, and one field for each source."""
    destination, (key, *others) = await rig.new_table(text("Key"), *(fields or [text("Name")]))
    mapping = tuple(
        FieldMapping(source=source, field_id=field)
        for source, field in zip(sources, others, strict=True)
    )
    key_mapping = FieldMapping(source="id", field_id=key)
    return await rig.spec("deals", destination=destination, key=key_mapping, mapping=mapping)


def where(spec: SyncSpec) -> Json:
    """Name a sync's table to the sandbox."""
    return {"base": spec.destination.base_id, "table": spec.destination.table_id}


async def limit_rows(rig: Rig, spec: SyncSpec, rows: int | None) -> None:
    await rig.at_airtable("record-limit", base=spec.destination.base_id, rows=rows)


async def writes(rig: Rig) -> int:
    """Return how many write requests Airtable has seen."""
    seen = (await rig.sandbox.log(provider="airtable"))["requests"]
    return sum(each["method"] == "PATCH" for each in seen)


async def refuse_all(rig: Rig, spec: SyncSpec, message: str, count: int | None = None) -> None:
    """Have Airtable refuse whatever is written, in words of its own."""
    body = {"error": {"type": "INVALID_REQUEST_UNKNOWN", "message": message}}
    path = f"/v0/{spec.destination.base_id}/{spec.destination.table_id}"
    await rig.at_airtable("break", status=422, body=body, path_contains=path, count=count)


async def test_a_full_base_fails_the_run_and_costs_one_request(rig: Rig) -> None:
    await rig.fill(60)
    spec = await own_table(rig)
    await limit_rows(rig, spec, 0)
    async with rig.runner():
        row = await rig.run(spec)
        first = await writes(rig)
        again = await rig.run(spec)
        second = await writes(rig) - first
    for each in (row, again):
        assert (each["status"], each["cause"]) == ("failed", "resource"), each["summary"]
        assert each["counts"]["rejected"] == each["counts"]["written"] == 0
    assert "record limit" in row["summary"]
    assert spec.destination.base_id in row["summary"]
    assert not await rig.rejections(row["_id"])
    assert (first, second) == (1, 1)


async def test_a_full_base_takes_changes_of_its_rows_and_all_others_once_there_is_room(
    rig: Rig,
) -> None:
    await rig.fill(25)
    spec = await own_table(rig)
    async with rig.runner():
        assert (await rig.run(spec))["counts"]["written"] == 25
        await limit_rows(rig, spec, 25)
        await rig.fill(600)
        known = [each["Key"] for each in await rig.named_rows(spec)]
        await rig.edit("deals", known, dealname="changed")
        before = await writes(rig)
        full = await rig.run(spec)
        assert (full["status"], full["cause"]) == ("failed", "resource"), full["summary"]
        assert full["counts"]["written"] == 25
        assert {each["Name"] for each in await rig.named_rows(spec)} == {"changed"}
        assert await writes(rig) - before <= 12
        before = await writes(rig)
        still = await rig.run(spec)
        assert (still["status"], still["counts"]["written"]) == ("failed", 0)
        assert await writes(rig) - before == 1
        await limit_rows(rig, spec, None)
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)
    assert len(await rig.rows(spec)) == 600


async def test_a_full_base_takes_changes_that_the_pass_it_cuts_short_has_behind_it(
    rig: Rig,
) -> None:
    await rig.fill(150)
    spec = await own_table(rig)
    await limit_rows(rig, spec, 120)
    async with rig.runner():
        assert (await rig.run(spec))["counts"]["written"] == 120
        first = (await rig.named_rows(spec))[0]["Key"]
        await rig.edit("deals", [first], dealname="changed")
        full = await rig.run(spec)
        assert (full["status"], full["cause"]) == ("failed", "resource"), full["summary"]
        names = {each["Key"]: each["Name"] for each in await rig.named_rows(spec)}
        assert names[first] == "changed"
        await limit_rows(rig, spec, None)
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)
    assert len(await rig.rows(spec)) == 150


async def test_a_base_that_fills_up_in_the_middle_keeps_what_fits(rig: Rig) -> None:
    await rig.fill(60)
    spec = await own_table(rig)
    await limit_rows(rig, spec, 25)
    async with rig.runner():
        row = await rig.run(spec)
        assert (row["status"], row["cause"]) == ("failed", "resource"), row["summary"]
        assert row["counts"]["written"] == len(await rig.named_rows(spec)) == 20
        await limit_rows(rig, spec, None)
        mended = await rig.run(spec)
    assert mended["status"] == "succeeded", mended["summary"]
    assert not await rig.differences(spec)


async def test_once_the_table_has_taken_a_batch_all_that_wait_leave_together(rig: Rig) -> None:
    await rig.fill(50)
    spec = await own_table(rig)
    latency = 2_000
    await rig.slow_down(Provider.AIRTABLE, latency)
    async with rig.runner():
        assert (await rig.run(spec))["counts"]["written"] == 50
    seen = (await rig.sandbox.log(provider="airtable"))["requests"]
    first, *others = sorted(each["at"] for each in seen if each["method"] == "PATCH")
    assert len(others) == 4
    assert min(others) - first >= latency > max(others) - min(others)


async def test_a_table_that_is_filled_from_outside_fails_the_run_at_once(rig: Rig) -> None:
    await rig.fill(60)
    spec = await own_table(rig)
    await rig.at_airtable("sync-table", **where(spec))
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "resource"), row["summary"]
    assert "externally synced" in row["summary"]
    assert not await rig.rejections(row["_id"])
    assert await writes(rig) == 1


async def test_a_person_without_the_right_to_write_fails_the_run_at_once(rig: Rig) -> None:
    spec = await own_table(rig)
    await rig.sandbox.control(
        "airtable", "ada@acme.test", "share", base=spec.destination.base_id, level="read"
    )
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "resource"), row["summary"]
    assert spec.destination.base_id in row["summary"]
    assert await writes(rig) == 1
    assert not rig.auth.reports


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("You are not permitted to create records in table T", "resource"),
        ('You are not permitted to write cell values in field "Name"', "mapping"),
        ("You are not permitted to perform this operation", "resource"),
        ("This table is externally synced", "resource"),
        ("You have exceeded the limit of 1,000 records in this base", "resource"),
    ],
)
async def test_what_is_forbidden_is_told_by_what_it_is_about(
    rig: Rig, message: str, cause: str
) -> None:
    spec = await own_table(rig)
    body = {"error": {"type": "INVALID_PERMISSIONS", "message": message}}
    path = f"/v0/{spec.destination.base_id}/{spec.destination.table_id}"
    await rig.at_airtable("break", status=403, body=body, path_contains=path)
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", cause), row["summary"]
    assert message in row["summary"]
    assert await writes(rig) == 1


async def test_a_refusal_in_unknown_words_is_the_table_s_if_all_records_get_it(rig: Rig) -> None:
    await rig.fill(60)
    spec = await own_table(rig)
    await refuse_all(rig, spec, UNHEARD_OF)
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "resource"), row["summary"]
    assert UNHEARD_OF in row["summary"]
    assert spec.destination.table_id in row["summary"]
    assert not await rig.rejections(row["_id"])
    assert await writes(rig) == 5, "one batch, three of it alone, and its rest"


async def test_changes_that_are_refused_in_unknown_words_fail_the_run_too(rig: Rig) -> None:
    await rig.fill(40)
    spec = await own_table(rig)
    async with rig.runner():
        await rig.run(spec)
        ids = [each["Key"] for each in await rig.named_rows(spec)]
        await rig.edit("deals", ids, dealname="changed")
        await refuse_all(rig, spec, UNHEARD_OF)
        before = await writes(rig)
        row = await rig.run(spec)
        assert (row["status"], row["cause"]) == ("failed", "resource"), row["summary"]
        assert await writes(rig) - before == 5
        await rig.at_airtable("unbreak")
        mended = await rig.run(spec)
    assert mended["counts"]["written"] == 40
    assert not await rig.differences(spec)


async def test_a_refusal_in_unknown_words_is_a_record_s_if_others_are_taken(rig: Rig) -> None:
    spec = await own_table(rig)
    await refuse_all(rig, spec, UNHEARD_OF, count=2)  # the batch, and the first of it alone
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert (row["counts"]["written"], row["counts"]["rejected"]) == (19, 1)
    (found,) = (await rig.rejections(row["_id"])).values()
    assert UNHEARD_OF in found["reason"]
    assert "at its source" in found["reason"]


async def test_an_option_that_goes_between_plan_and_write_is_refused_by_name(rig: Rig) -> None:
    options = [{"name": each} for each in ("newbusiness", "existingbusiness")]
    select = {"name": "Type", "type": "singleSelect", "options": {"choices": options}}
    spec = await own_table(rig, text("Name"), select, sources=("dealname", "dealtype"))
    ids = [each["id"] for each in await rig.deals()]
    await rig.edit("deals", ids, dealtype="newbusiness")
    await rig.edit("deals", ids[:12], dealtype="existingbusiness")
    stale: dict[str, Any] = {"after": {"path_contains": "/v0/meta", "responses": 1}}
    await rig.at_airtable(
        "arm",
        **stale,
        action="delete-option",
        body={**where(spec), "field": "Type", "option": "existingbusiness"},
    )
    async with rig.runner():
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert (row["counts"]["written"], row["counts"]["rejected"]) == (8, 12)
    for each in (await rig.rejections(row["_id"])).values():
        assert each["field"] == "Type"
        assert "'existingbusiness' is no option of it, which has 'newbusiness'" in each["reason"]
        assert "add it in Airtable, or change the value at its source" in each["reason"]
        assert "Insufficient permissions" not in each["reason"]
    seen = (await rig.sandbox.log(provider="airtable"))["requests"]
    assert sum("/v0/meta" in each["path"] for each in seen) == 2, "looked at once more"
    assert await writes(rig) <= 4


@pytest.mark.parametrize(
    ("kind", "message", "told"),
    [
        (
            "INVALID_MULTIPLE_CHOICE_OPTIONS",
            'Insufficient permissions to create new select option ""newbusiness""',
            ['field "Type" (singleSelect)', "'newbusiness'", "rename the option"],
        ),
        (
            "INVALID_VALUE_FOR_COLUMN",
            'Field "Name" cannot accept the provided value',
            ['field "Name" (singleLineText)', "'Wonderful'", "change the value at its source"],
        ),
        (
            "INVALID_REQUEST_UNKNOWN",
            "More than one record matches on Key",
            ["several rows have the key", '"Key"', "delete all but one of them"],
        ),
        ("INVALID_REQUEST_UNKNOWN", UNHEARD_OF, [UNHEARD_OF, "look at it at its source"]),
    ],
)
async def test_what_is_refused_of_one_record_names_field_value_and_remedy(
    rig: Rig, kind: str, message: str, told: list[str]
) -> None:
    options = [{"name": each} for each in ("newbusiness", "existingbusiness")]
    select = {"name": "Type", "type": "singleSelect", "options": {"choices": options}}
    spec = await own_table(rig, text("Name"), select, sources=("dealname", "dealtype"))
    ids = [each["id"] for each in await rig.deals()]
    await rig.edit("deals", ids, dealtype="newbusiness", dealname="Wonderful")
    body = {"error": {"type": kind, "message": message}}
    path = f"/v0/{spec.destination.base_id}/{spec.destination.table_id}"
    refusals = 2 if kind == "INVALID_REQUEST_UNKNOWN" and message == UNHEARD_OF else 5
    await rig.at_airtable("break", status=422, body=body, path_contains=path, count=refusals)
    async with rig.runner(runner_writes_in_flight=1):
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    rejected = await rig.rejections(row["_id"])
    assert rejected
    for each in rejected.values():
        assert all(part in each["reason"] for part in told), each["reason"]


async def test_what_is_too_large_together_is_written_apart(rig: Rig) -> None:
    spec = await own_table(rig)
    path = f"/v0/{spec.destination.base_id}/{spec.destination.table_id}"
    await rig.at_airtable("break", status=413, path_contains=path, count=4)
    async with rig.runner(runner_writes_in_flight=1):
        row = await rig.run(spec)
    assert (row["counts"]["written"], row["counts"]["rejected"]) == (19, 1), row["summary"]
    (found,) = (await rig.rejections(row["_id"])).values()
    assert "larger than Airtable takes" in found["reason"]


async def test_a_row_that_is_gone_is_made_again_also_where_airtable_does_not_name_it(
    rig: Rig,
) -> None:
    spec = await own_table(rig)
    async with rig.runner(runner_writes_in_flight=1):
        await rig.run(spec)
        ids = [each["Key"] for each in await rig.named_rows(spec)][:10]
        await rig.edit("deals", ids, dealname="changed")
        body = {"error": {"type": "MODEL_ID_NOT_FOUND", "message": "Record not found"}}
        path = f"/v0/{spec.destination.base_id}/{spec.destination.table_id}"
        await rig.at_airtable("break", status=404, body=body, path_contains=path, count=4)
        row = await rig.run(spec)
    assert (row["status"], row["counts"]["written"]) == ("succeeded", 10), row["summary"]
    assert not await rig.differences(spec)
    assert len(await rig.named_rows(spec)) == 20
    assert (await rig.counters(Provider.AIRTABLE))["duplicates"] == 0


INVALID = "Invalid request: parameter validation failed. Check your request data."
NO_CREATING = "You are not permitted to create records in table X"
# What is refused of a call that writes no row: how, and whose the run's end is.
REFUSED_READING: list[tuple[int, str, str, str]] = [
    (422, "INVALID_REQUEST_UNKNOWN", INVALID, "provider"),
    (413, "REQUEST_TOO_LARGE", "too large", "provider"),
    (404, "NOT_FOUND", "Could not find what you are looking for, or record", "resource"),
    (404, "MODEL_ID_NOT_FOUND", "Record not found", "resource"),
    (403, "INVALID_PERMISSIONS", NO_CREATING, "resource"),
    (422, "INVALID_REQUEST_UNKNOWN", "record limit reached in this base", "resource"),
    (422, "ROW_DOES_NOT_EXIST", "Record ID recAAAAAAAAAAAAAA does not exist", "provider"),
]


@pytest.mark.parametrize(("status", "kind", "message", "cause"), REFUSED_READING)
@pytest.mark.parametrize("path", ["/tables", "/listRecords"])
async def test_what_is_refused_of_reading_is_not_our_own_fault(
    rig: Rig, path: str, status: int, kind: str, message: str, cause: str
) -> None:
    spec = await own_table(rig)
    body = {"error": {"type": kind, "message": message}}
    async with rig.runner():
        await rig.run(spec)
        await rig.at_airtable("break", status=status, body=body, path_contains=path)
        row = await rig.check(spec)
    assert (row["status"], row["cause"]) == ("failed", cause), row["summary"]
    assert message in row["summary"]


async def test_a_listing_is_forgotten_only_where_there_is_one(rig: Rig) -> None:
    spec = await own_table(rig)
    body = {"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE"}}
    await rig.at_airtable("break", status=422, body=body, path_contains="/tables")
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "provider"), row["summary"]


MEMBERS = ("message", "status", "category", "name", "email", "tier", "isValid", "values", "limit")
OF_NO_PROPERTY = [
    "Invalid input JSON on line 1",
    "There was a problem with the request: the email address of the account is not verified",
    "Invalid name or message. Properties of this status are of no category.",
    'Invalid request: {"message": null, "isValid":false, \\"status\\": 3}',
    "Property values were not valid",
    "Unable to infer object type from: 'name'",
    'Cannot deserialize value "limit"',
]
OF_ONE: list[Json] = [
    {"message": 'Property "tier" does not exist'},
    {"message": "Property tier does not exist"},
    {"message": "Invalid property name: tier"},
    {"message": 'Property values were not valid: [{"isValid":false,"name":"tier"}]'},
    {"message": 'Property values were not valid: [{\\"isValid\\":false,\\"name\\":\\"tier\\"}]'},
    {"message": "There was a problem with the request.", "context": {"propertyName": ["tier"]}},
    {"message": "No.", "errors": [{"message": "No.", "context": {"propertyName": ["tier"]}}]},
    {"message": "No.", "validationResults": [{"isValid": False, "name": "tier"}]},
]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [({"message": each}, "provider") for each in OF_NO_PROPERTY]
    + [({"message": "No.", "context": {"id": ["name"]}, "errors": ["email", None]}, "provider")]
    + [(each, "mapping") for each in OF_ONE],
)
async def test_a_bad_request_is_the_mapping_s_only_where_it_names_a_property(
    rig: Rig, answer: Json, cause: str
) -> None:
    """Words that are also names of properties, or of the answer's own members, name none."""
    for name in MEMBERS:
        await rig.at_hubspot("property", object="deals", definition={"name": name, "label": name})
    spec = await own_table(rig, *map(text, MEMBERS), sources=MEMBERS)
    body = {"status": "error", "category": "VALIDATION_ERROR", "correlationId": "c"} | answer
    await rig.at_hubspot("break", status=400, body=body, path_contains="/objects/")
    async with rig.runner():
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", cause), row["summary"]
    assert ('(property "tier")' in row["summary"]) == (cause == "mapping")
