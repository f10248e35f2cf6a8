"""HubSpot's data API, read by HubSpot's own client, which nobody here wrote."""

import json
import time
import unicodedata

import httpx
import pytest
from hubspot import HubSpot
from hubspot.crm.contacts import BatchReadInputSimplePublicObjectId, PublicObjectSearchRequest
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.crm.deals import ApiException as DealsApiException
from hubspot.crm.owners import ApiException as OwnersApiException
from hubspot.crm.pipelines import ApiException as PipelinesApiException
from hubspot.crm.properties import ApiException as PropertiesApiException
from hubspot.crm.properties import BatchReadInputPropertyName, PropertyName
from tablesync.test_kit import SandboxControl


def search(hubspot: HubSpot, **request):
    return hubspot.crm.contacts.search_api.do_search(PublicObjectSearchRequest(**request))


def since(value: str, operator: str = "GTE", name: str = "lastmodifieddate"):
    return [{"filters": [{"propertyName": name, "operator": operator, "value": value}]}]


async def test_get_all_walks_every_page(hubspot: HubSpot):
    everyone = hubspot.crm.contacts.get_all(properties=["email", "interests"])
    assert len(everyone) == 300
    ids = [int(contact.id) for contact in everyone]
    assert ids == sorted(ids)


async def test_values_are_texts_or_nothing(hubspot: HubSpot, sandbox: SandboxControl):
    names = ["num_associated_deals", "hs_email_optout", "email", "no_such_property"]
    page = hubspot.crm.contacts.basic_api.get_page(limit=100, properties=names)
    values = [value for contact in page.results for value in contact.properties.values()]
    assert all(value is None or isinstance(value, str) for value in values)
    assert None in values
    assert "no_such_property" not in page.results[0].properties


async def test_the_last_page_has_no_paging(hubspot: HubSpot):
    page = hubspot.crm.deals.basic_api.get_page(limit=100)
    assert page.paging is None
    first = hubspot.crm.deals.basic_api.get_page(limit=10)
    assert first.paging.next.after == first.results[-1].id


async def test_seeded_contacts_are_as_awkward_as_real_ones(hubspot: HubSpot):
    names = ["email", "firstname", "message", "interests", "member_since", "loyalty_tier"]
    everyone = [contact.properties for contact in hubspot.crm.contacts.get_all(properties=names)]
    emails = [contact["email"] for contact in everyone]
    assert None in emails
    assert len(set(emails)) < len(emails) - emails.count(None)
    messages = [contact["message"] or "" for contact in everyone]
    assert max(len(message.encode()) for message in messages) >= 50_000
    assert any("\n" in message for message in messages)
    names = "".join(contact["firstname"] for contact in everyone)
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in names}
    assert scripts >= {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HANGUL", "THAI"}
    assert any(";" in (contact["interests"] or "") for contact in everyone)


async def test_search_by_last_change_in_order(hubspot: HubSpot):
    found = search(
        hubspot,
        filter_groups=since("0"),
        sorts=["lastmodifieddate"],
        properties=["email"],
        limit=200,
    )
    assert found.total == 300
    assert found.paging.next.after == "200"
    stamps = [contact.updated_at for contact in found.results]
    assert stamps == sorted(stamps)
    rest = search(
        hubspot, filter_groups=since("0"), sorts=["lastmodifieddate"], limit=200, after="200"
    )
    assert len(rest.results) == 100
    assert rest.paging is None
    assert not {row.id for row in rest.results} & {row.id for row in found.results}


async def test_an_edit_is_found_by_its_time(hubspot: HubSpot, sandbox: SandboxControl):
    edited = await sandbox.control("hubspot", "7001", "edit", object="contacts", count=12)
    found = search(hubspot, filter_groups=since("2026-01-01T00:00:00Z"), limit=100)
    assert sorted(row.id for row in found.results) == sorted(edited["edited"])
    again = await sandbox.control("hubspot", "7001", "edit", object="contacts", count=12)
    assert again == edited


async def test_keyset_paging_within_one_instant(hubspot: HubSpot, sandbox: SandboxControl):
    await sandbox.control("hubspot", "7001", "create", object="contacts", count=30)
    records = await sandbox.records("hubspot", "7001", object="contacts")
    stamps = [record["updatedAt"] for record in records]
    shared = max(stamps, key=stamps.count)
    same = sorted(int(r["id"]) for r in records if r["updatedAt"] == shared)
    filters = [
        {"propertyName": "lastmodifieddate", "operator": "EQ", "value": shared},
        {"propertyName": "hs_object_id", "operator": "GT", "value": str(same[0])},
    ]
    found = search(hubspot, filter_groups=[{"filters": filters}], sorts=["hs_object_id"], limit=100)
    assert [int(row.id) for row in found.results] == same[1:]


@pytest.mark.parametrize(
    "request_body",
    [
        {"limit": 201},
        {"limit": 100, "after": "10000"},
        {"sorts": ["email", "lastname"]},
        {"filter_groups": [{"filters": []}] * 6},
        {"filter_groups": since("x", name="no_such_property")},
        {"filter_groups": since("no date")},
        {"filter_groups": since("1", operator="LIKE")},
        {"properties": ["x" * 3000]},
    ],
)
async def test_what_search_refuses_is_a_validation_error(hubspot: HubSpot, request_body):
    with pytest.raises(ApiException) as error:
        search(hubspot, **request_body)
    assert error.value.status == 400
    body = json.loads(error.value.body)
    assert body["category"] == "VALIDATION_ERROR"
    assert body["correlationId"] == error.value.headers["x-hubspot-correlation-id"]


@pytest.mark.parametrize("kind", ["contacts", "companies", "deals"])
async def test_properties_list_custom_ones_too(hubspot: HubSpot, kind):
    properties = hubspot.crm.properties.core_api.get_all(kind).results
    custom = [entry for entry in properties if not entry.hubspot_defined]
    assert len(custom) >= 2
    options = [entry for entry in properties if entry.type == "enumeration"]
    assert all(entry.options for entry in options)
    one = hubspot.crm.properties.core_api.get_by_name(kind, custom[0].name)
    assert one.label == custom[0].label


async def test_owners_are_the_portals_people(hubspot: HubSpot):
    emails = [owner.email for owner in hubspot.crm.owners.owners_api.get_page().results]
    assert emails == ["ada@acme.test", "bob@acme.test"]


async def test_owners_come_page_by_page_by_id_and_by_address(hubspot: HubSpot):
    owners = hubspot.crm.owners.owners_api
    first = owners.get_page(limit=1)
    assert [owner.email for owner in first.results] == ["ada@acme.test"]
    rest = owners.get_page(limit=1, after=first.paging.next.after)
    assert [owner.email for owner in rest.results] == ["bob@acme.test"]
    assert rest.paging is None
    (bob,) = owners.get_page(email="bob@acme.test").results
    assert (
        owners.get_by_id(bob.id).email == owners.get_by_id(bob.user_id, id_property="userId").email
    )
    assert owners.get_page(archived=True).results == []
    with pytest.raises(OwnersApiException):
        owners.get_by_id(1)


async def test_pipelines_and_stages_are_read_by_id(hubspot: HubSpot):
    pipelines, stages = (
        hubspot.crm.pipelines.pipelines_api,
        hubspot.crm.pipelines.pipeline_stages_api,
    )
    (default,) = pipelines.get_all("0-3").results
    assert pipelines.get_by_id("deals", default.id).label == default.label
    found = stages.get_all("deals", default.id).results
    assert [stage.id for stage in found] == [stage.id for stage in default.stages]
    won = stages.get_by_id("deals", default.id, "closedwon")
    assert won.metadata == {"isClosed": "true", "probability": "1.0"}
    with pytest.raises(PipelinesApiException):
        pipelines.get_by_id("deals", "missing")


async def test_properties_are_read_by_name_and_in_their_groups(hubspot: HubSpot):
    inputs = [PropertyName(name="email"), PropertyName(name="city")]
    batch = BatchReadInputPropertyName(archived=False, inputs=inputs)
    found = hubspot.crm.properties.batch_api.read("contacts", batch).results
    assert [each.name for each in found] == ["email", "city"]
    groups = hubspot.crm.properties.groups_api.get_all("contacts").results
    assert {each.group_name for each in found} <= {each.name for each in groups}
    assert hubspot.crm.properties.groups_api.get_by_name("contacts", groups[0].name) == groups[0]
    with pytest.raises(PropertiesApiException) as error:
        hubspot.crm.properties.groups_api.get_by_name("contacts", "missing")
    assert error.value.status == 404


async def test_a_property_of_another_group_brings_its_group(
    hubspot: HubSpot, sandbox: SandboxControl
):
    definition = {"name": "motto", "groupName": "handmade"}
    await sandbox.control("hubspot", "7001", "property", object="deals", definition=definition)
    groups = hubspot.crm.properties.groups_api
    assert [each.name for each in groups.get_all("deals").results] == [
        "dealinformation",
        "handmade",
    ]
    assert groups.get_by_name("deals", "handmade").label == "Handmade information"
    assert "handmade" not in [each.name for each in groups.get_all("contacts").results]


async def test_the_next_page_s_link_asks_for_the_same(
    hubspot_http: httpx.AsyncClient, sandbox: SandboxControl
):
    """Who follows it gets the same properties, and archived records behind archived ones."""
    made = await sandbox.control("hubspot", "7001", "create", object="companies", count=30)
    await sandbox.control("hubspot", "7001", "archive", object="companies", ids=made["created"])
    asked = {"limit": "20", "properties": "city,name", "archived": "true"}
    page = (await hubspot_http.get("/crm/v3/objects/companies", params=asked)).json()
    following = (await hubspot_http.get(page["paging"]["next"]["link"])).json()
    seen = [*page["results"], *following["results"]]
    assert [each["id"] for each in seen] == sorted(made["created"], key=int)
    assert all(each["archived"] and "city" in each["properties"] for each in seen)
    assert "paging" not in following


async def test_a_url_that_is_too_long_is_refused_as_such(hubspot_http: httpx.AsyncClient):
    names = ",".join(f"name_{number:06}" for number in range(3_500))
    answer = await hubspot_http.get("/crm/v3/objects/contacts", params={"properties": names})
    assert answer.status_code == 414
    assert answer.headers["x-hubspot-correlation-id"] == answer.json()["correlationId"]


async def test_instants_are_printed_as_java_does(hubspot_http: httpx.AsyncClient):
    for path in ("properties/contacts", "owners", "pipelines/deals"):
        for each in (await hubspot_http.get(f"/crm/v3/{path}")).json()["results"]:
            assert each["createdAt"] == "2024-01-01T00:00:00Z"


async def deals(hubspot: HubSpot, sandbox: SandboxControl, count: int) -> list[str]:
    made = await sandbox.control("hubspot", "7001", "create", object="deals", count=count)
    assert {*made["created"]} <= {each.id for each in hubspot.crm.deals.get_all()}
    return made["created"]


async def test_a_restored_record_looks_as_if_it_had_never_been_away(
    hubspot: HubSpot, sandbox: SandboxControl
):
    (one,) = await deals(hubspot, sandbox, 1)
    before = hubspot.crm.deals.basic_api.get_by_id(one)
    await sandbox.control("hubspot", "7001", "archive", object="deals", ids=[one])
    assert one not in {each.id for each in hubspot.crm.deals.get_all()}
    await sandbox.control("hubspot", "7001", "restore", object="deals", ids=[one])
    assert hubspot.crm.deals.basic_api.get_by_id(one) == before


async def test_a_purged_record_is_in_no_list(hubspot: HubSpot, sandbox: SandboxControl):
    one, other = await deals(hubspot, sandbox, 2)
    await sandbox.control("hubspot", "7001", "archive", object="deals", ids=[other])
    await sandbox.control("hubspot", "7001", "purge", object="deals", ids=[one, other])
    for archived in (False, True):
        ids = {each.id for each in hubspot.crm.deals.get_all(archived=archived)}
        assert not ids & {one, other}
    with pytest.raises(DealsApiException):
        hubspot.crm.deals.basic_api.get_by_id(one)


@pytest.mark.parametrize("into_new", [True, False])
async def test_a_merged_record_answers_by_every_id_that_it_had(
    hubspot: HubSpot, sandbox: SandboxControl, into_new: bool
):
    one, other = await deals(hubspot, sandbox, 2)
    merged = await sandbox.control(
        "hubspot", "7001", "merge", object="deals", ids=[one, other], into_new=into_new
    )
    gone = {one, other} if into_new else {other}
    ids = {each.id for each in hubspot.crm.deals.get_all()}
    assert merged["id"] in ids
    assert not ids & gone
    assert {hubspot.crm.deals.basic_api.get_by_id(each).id for each in gone} == {merged["id"]}


async def test_a_portal_moves_to_another_time_zone(
    hubspot_http: httpx.AsyncClient, sandbox: SandboxControl
):
    await sandbox.control("hubspot", "7001", "time-zone", name="Asia/Kathmandu")
    details = (await hubspot_http.get("/account-info/v3/details")).json()
    assert (details["timeZone"], details["utcOffset"]) == ("Asia/Kathmandu", "+05:45")


def by_ids(*ids: str):
    return BatchReadInputSimplePublicObjectId(
        inputs=[{"id": each} for each in ids], properties=["email"], properties_with_history=[]
    )


async def test_batch_read_tells_what_is_missing(hubspot: HubSpot):
    first = hubspot.crm.contacts.basic_api.get_page(limit=1).results[0].id
    answer = hubspot.crm.contacts.batch_api.read(by_ids(first, "999999999"))
    assert [row.id for row in answer.results] == [first]
    assert answer.errors[0].context["ids"] == ["999999999"]


async def test_batch_read_gives_archived_records_to_those_who_ask_for_them(
    hubspot: HubSpot, sandbox: SandboxControl
):
    page = hubspot.crm.contacts.basic_api.get_page(limit=2)
    gone, live = (row.id for row in page.results)
    await sandbox.control("hubspot", "7001", "archive", object="contacts", ids=[gone])
    archived = hubspot.crm.contacts.batch_api.read(by_ids(gone), archived=True)
    assert [(row.id, row.archived) for row in archived.results] == [(gone, True)]
    assert archived.results[0].properties["email"] == page.results[0].properties["email"]
    for asked, found, missing in [(True, gone, live), (False, live, gone)]:
        answer = hubspot.crm.contacts.batch_api.read(by_ids(gone, live), archived=asked)
        assert [row.id for row in answer.results] == [found]
        assert answer.errors[0].context["ids"] == [missing]


async def test_archived_records_leave_search_and_show_in_the_list(
    hubspot: HubSpot, sandbox: SandboxControl
):
    first = hubspot.crm.contacts.basic_api.get_page(limit=1).results[0].id
    await sandbox.control("hubspot", "7001", "archive", object="contacts", ids=[first])
    assert search(hubspot, limit=1).total == 299
    archived = hubspot.crm.contacts.basic_api.get_page(archived=True).results
    assert [row.id for row in archived] == [first]
    assert archived[0].archived_at is not None
    with pytest.raises(ApiException) as error:
        hubspot.crm.contacts.basic_api.get_by_id(first)
    assert error.value.status == 404


async def test_unknown_ids_answer_as_hubspot_does(hubspot: HubSpot):
    with pytest.raises(ApiException) as error:
        hubspot.crm.contacts.basic_api.get_by_id("999999999")
    body = json.loads(error.value.body)
    assert (body["message"], "category" in body) == ("resource not found", False)
    with pytest.raises(ApiException) as error:
        hubspot.crm.contacts.basic_api.get_by_id("abc")
    body = json.loads(error.value.body)
    assert body["category"] == "OBJECT_NOT_FOUND"
    assert body["message"] == "Object not found.  objectId are usually numeric."


async def test_a_missing_scope_is_named(hubspot: HubSpot, sandbox: SandboxControl):
    await sandbox.control("hubspot", "7001", "rescope", scopes=["oauth"])
    with pytest.raises(OwnersApiException) as error:
        hubspot.crm.owners.owners_api.get_page()
    body = json.loads(error.value.body)
    assert error.value.status == 403
    assert body["category"] == "MISSING_SCOPES"
    scopes = body["errors"][0]["context"]["requiredGranularScopes"]
    assert scopes == ["crm.objects.owners.read"]


async def test_expired_and_uninstalled_tokens_look_different(
    hubspot: HubSpot, sandbox: SandboxControl
):
    await sandbox.control("hubspot", "7001", "expire")
    with pytest.raises(ApiException) as error:
        hubspot.crm.contacts.basic_api.get_page()
    body = json.loads(error.value.body)
    assert error.value.status == 401
    assert body["category"] == "EXPIRED_AUTHENTICATION"
    assert body["message"].startswith("The OAuth token used to make this call expired")
    assert body["context"]["expire time"]
    await sandbox.control("hubspot", "7001", "uninstall")
    with pytest.raises(ApiException) as error:
        hubspot.crm.contacts.basic_api.get_page()
    assert json.loads(error.value.body)["category"] == "INVALID_AUTHENTICATION"


async def test_search_lags_when_told(hubspot: HubSpot, sandbox: SandboxControl):
    await sandbox.control("hubspot", "7001", "search-lag", seconds=3600)
    await sandbox.control("hubspot", "7001", "edit", object="contacts", count=5)
    assert search(hubspot, limit=1).total == 295
    await sandbox.control("hubspot", "7001", "search-lag", seconds=0)
    assert search(hubspot, limit=1).total == 300


async def test_records_age_when_told(hubspot: HubSpot, sandbox: SandboxControl):
    await sandbox.control("hubspot", "7001", "edit", object="contacts", count=5)
    of_late = since(str(int((time.time() - 3_600) * 1000)))
    assert search(hubspot, filter_groups=of_late).total == 5
    aged = await sandbox.control("hubspot", "7001", "age", object="contacts", seconds=86_400)
    assert aged == {"aged": 300}
    assert search(hubspot, filter_groups=of_late).total == 0
    await sandbox.control("hubspot", "7001", "edit", object="contacts", count=1)
    assert search(hubspot, filter_groups=of_late).total == 1


async def test_a_property_changes_while_it_is_used(hubspot: HubSpot, sandbox: SandboxControl):
    definition = {"name": "shoe_size", "label": "Shoe size", "type": "number"}
    await sandbox.control("hubspot", "7001", "property", object="contacts", definition=definition)
    await sandbox.control(
        "hubspot", "7001", "edit", object="contacts", count=1, properties={"shoe_size": 44}
    )
    found = search(
        hubspot, filter_groups=since("43", name="shoe_size"), properties=["shoe_size"], limit=10
    )
    assert [row.properties["shoe_size"] for row in found.results] == ["44"]
