"""A table is made at the click that needs it: once, or with the reason why it is not."""

from inquirer import FOREIGN, signed_in
from sync_runner_rig import AIRTABLE, Json, Rig, text
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.sync_runner.inquiries.suits import suits
from tablesync.sync_runner.values import ValueKind

WITHOUT = ["data.records:read", "data.records:write", "schema.bases:read"]
# Every type of field that some property is said to suit.
TYPES = sorted(
    {each for kind in ValueKind for each in suits("email", kind, has_options=True, unit=None)}
)
WANTED: Json = {"name": "Deals of ours", "fields": [text("HubSpot ID")]}


async def own_base(rig: Rig) -> tuple[Json, str]:
    """Make a base with one table, and return it with the path where tables are made."""
    base = await rig.new_base("Own", {"name": "T", "fields": [text("Name")]})
    return base, f"/v1/catalog/{AIRTABLE}/bases/{base['id']}/tables"


async def names_in(rig: Rig, base: Json) -> list[str]:
    """Return what a base's tables are called, from ground truth."""
    bases = (await rig.sandbox.bases())["bases"]
    tables = next(each["tables"] for each in bases if each["id"] == base["id"])
    return [each["name"] for each in tables]


async def test_a_table_is_made_once_with_whatever_suits_a_property(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    base, path = await own_base(rig)
    fields = [text("HubSpot ID"), *({"name": each, "type": each} for each in TYPES)]
    wanted = {"name": "Deals of ours", "fields": fields}
    headers = signed_in(service_keys) | {"Idempotency-Key": "once"}
    async with rig.http("api") as http:
        first, again = [await http.post(path, json=wanted, headers=headers) for _ in range(2)]
        other = await http.post(path, json=wanted, headers=signed_in(service_keys))
        listed = (await http.get(path, headers=signed_in(service_keys))).json()["items"]
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert first.json() == again.json()
    assert await names_in(rig, base) == ["T", "Deals of ours"]
    assert listed[1] == first.json()
    assert [each["type"] for each in first.json()["fields"]] == ["singleLineText", *TYPES]
    assert all(each["writable"] for each in first.json()["fields"])
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "name"


async def test_what_was_not_granted_is_named_as_what_to_ask_for(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    base, path = await own_base(rig)
    other_base = path.replace(base["id"], f"app{'X' * 14}")
    minted = await rig.sandbox.mint("airtable", "-", scopes=WITHOUT)
    own, rig.airtable.token = signed_in(service_keys), minted["access_token"]
    viewer = signed_in(service_keys, OperatorRole.VIEWER)
    foreign = signed_in(service_keys, workspace_id=FOREIGN)
    async with rig.http("api") as http:
        refused = await http.post(path, json=WANTED, headers=own)
        missing = await http.post(other_base, json=WANTED, headers=own)
        others = [await http.post(path, json=WANTED, headers=each) for each in (viewer, foreign)]
    problem = refused.json()
    assert problem["type"] == "urn:tablesync:problem:permission-missing"
    assert (problem["connection_id"], problem["also"]) == (AIRTABLE, ["schema.bases:write"])
    assert (refused.status_code, missing.status_code) == (409, 404)
    assert [each.status_code for each in others] == [403, 404]
    assert await names_in(rig, base) == ["T"]


async def test_a_person_who_may_not_make_tables_is_told_so(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    base, path = await own_base(rig)
    who = "ada@acme.test"
    await rig.sandbox.control("airtable", who, "share", base=base["id"], level="edit")
    async with rig.http("api") as http:
        answer = await http.post(path, json=WANTED, headers=signed_in(service_keys))
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:tablesync:problem:role-too-low"


async def test_p21_what_airtable_does_not_make_names_the_field(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    base, path = await own_base(rig)
    own, odd = text("HubSpot ID"), {"name": "N", "type": "number", "options": {"precision": 99}}
    bad = {
        "name": {**WANTED, "name": "t"},
        "fields.1.name": {**WANTED, "fields": [own, text("hubspot id")]},
        "fields.1": {**WANTED, "fields": [own, odd]},
        "fields.0": {**WANTED, "fields": [{"name": "Box", "type": "checkbox"}]},
        "fields.1.options": {**WANTED, "fields": [own, {**odd, "options": {"a": 2**70}}]},
    }
    headers = signed_in(service_keys)
    async with rig.http("api") as http:
        answers = [await http.post(path, json=each, headers=headers) for each in bad.values()]
    assert [each.status_code for each in answers] == [422] * len(bad)
    errors = [each.json()["errors"][0] for each in answers]
    assert [each["field"] for each in errors] == list(bad)
    assert all(each["remedy"] for each in errors)
    assert await names_in(rig, base) == ["T"]


async def test_a_table_of_which_no_answer_told_is_found_and_not_made_again(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    base, path = await own_base(rig)
    lost = {"status": 0, "count": 1, "performed": True, "path_contains": "/tables"}
    after = {"path_contains": "/tables", "responses": 1}
    await rig.at_airtable("arm", after=after, action="break", body=lost)
    async with rig.http("api") as http:
        answer = await http.post(path, json=WANTED, headers=signed_in(service_keys))
    assert answer.status_code == 201, answer.text
    assert await names_in(rig, base) == ["T", answer.json()["name"]]
