"""The catalogue and the routes about runs: who may ask, and what the answers hold."""

import pytest
from sync_runner_rig import HUBSPOT, WORKSPACE, Json, Rig, as_service
from tablesync.contracts import Provider
from tablesync.contracts.internal_api import ConnectionNotConnected, RunStates
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http.service_auth import Signer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue
from tablesync.sync_runner import store
from tablesync.test_kit import eventually

FOREIGN = "ws_0198f0c2-0000-7000-8000-000000000002"


def as_operator(service_keys: ServiceKeys, workspace_id: str = WORKSPACE) -> dict[str, str]:
    """Return the headers of a viewer."""
    signer = Signer.from_file("auth-service", service_keys.private_key_file("auth-service"))
    who = Principal(operator_id="op_1", workspace_id=workspace_id, role=OperatorRole.VIEWER)
    return {"Authorization": f"Bearer {issue(signer, who)}"}


async def test_an_operator_sees_what_a_source_has(rig: Rig, service_keys: ServiceKeys) -> None:
    async with rig.http("api") as http:
        headers = as_operator(service_keys)
        path = "/v1/catalog/con_hubspot/objects"
        objects = (await http.get(path, headers=headers)).json()["items"]
        found = (await http.get(f"{path}/deals/properties", headers=headers)).json()["items"]
        unknown = await http.get(f"{path}/tickets/properties", headers=headers)
    assert [each["name"] for each in objects] == ["contacts", "companies", "deals"]
    known = {each["name"]: each for each in found}
    own = {"name": "id", "label": "Record ID", "type": "string", "kind": "text"}
    assert found[0].items() >= own.items()
    assert found[0]["suits"][0] == "singleLineText"
    assert known["amount"]["kind"] == "number"
    assert {"value": "closedwon", "label": "Closed Won"} in known["dealstage"]["options"]
    assert unknown.status_code == 404


async def test_kinds_options_and_units_are_offered_for_what_they_are(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    """What a wizard needs to offer labels, and to say of a duration that it is one."""
    definitions: list[Json] = [
        {"name": "length", "type": "number", "numberDisplayHint": "duration"},
        {"name": "plain", "type": "number"},
        {"name": "due", "type": "date"},
        {"name": "called_at", "type": "datetime"},
        {"name": "wanted", "type": "bool"},
        {"name": "likes", "type": "enumeration", "fieldType": "checkbox"},
        {
            "name": "phase",
            "type": "enumeration",
            "fieldType": "select",
            "options": [{"value": "1043225341", "label": "Won big"}, {"value": "2", "label": ""}],
        },
    ]
    for each in definitions:
        await rig.at_hubspot("property", object="deals", definition=each)
    async with rig.http("api") as http:
        public = await http.get(PROPERTIES, headers=as_operator(service_keys))
        internal = await http.get(
            PROPERTIES.replace("/v1/", "/internal/v1/"),
            params={"workspace_id": WORKSPACE},
            auth=as_service(service_keys, "scheduler"),
        )
    assert public.json() == internal.json()
    found = {each["name"]: each for each in public.json()["items"]}
    assert {name: found[name]["kind"] for name in (each["name"] for each in definitions)} == {
        "length": "number",
        "plain": "number",
        "due": "date",
        "called_at": "moment",
        "wanted": "bool",
        "likes": "texts",
        "phase": "text",
    }
    assert {name: found[name]["suits"][0] for name in (each["name"] for each in definitions)} == {
        "length": "duration",
        "plain": "number",
        "due": "date",
        "called_at": "dateTime",
        "wanted": "checkbox",
        "likes": "multipleSelects",
        "phase": "singleSelect",
    }
    assert found["length"]["unit"] == "milliseconds"
    assert found["plain"].get("unit") is None
    assert found["phase"]["options"] == [
        {"value": "1043225341", "label": "Won big"},
        {"value": "2", "label": "2"},
    ]


@pytest.mark.parametrize(
    "odd",
    [None, "none", {"value": None}, {"label": "lost"}, {"value": {}}, {"value": "x", "label": []}],
)
async def test_an_odd_option_hides_no_other(
    rig: Rig, service_keys: ServiceKeys, odd: object
) -> None:
    told = {"name": "phase", "label": "Phase", "type": "enumeration"}
    options = [odd, {"value": "1", "label": "One"}]
    body = {"results": [told | {"options": options}]}
    await rig.sandbox.control(
        "hubspot", "-", "break", status=200, body=body, path_contains="/crm/properties"
    )
    async with rig.http("api") as http:
        answer = await http.get(PROPERTIES, headers=as_operator(service_keys))
    assert answer.status_code == 200, answer.text
    found = {each["name"]: each for each in answer.json()["items"]}
    assert {"value": "1", "label": "One"} in found["phase"]["options"]


@pytest.mark.parametrize(
    "odd", [{}, {"timeZone": 7}, {"timeZone": []}, {"timeZone": "Mars/Olympus"}]
)
async def test_an_account_without_a_zone_that_is_known_is_read_all_the_same(
    rig: Rig, service_keys: ServiceKeys, odd: Json
) -> None:
    await rig.sandbox.control(
        "hubspot", "-", "break", status=200, body=odd, path_contains="/account-info"
    )
    async with rig.http("api") as http:
        answer = await http.get(PROPERTIES, headers=as_operator(service_keys))
    assert answer.status_code == 200, answer.text


async def test_scheduler_sees_bases_tables_and_fields(rig: Rig, service_keys: ServiceKeys) -> None:
    spec = await rig.spec("deals")
    base_id = spec.destination.base_id
    async with rig.http("api") as http:
        auth = as_service(service_keys, "scheduler")
        path, query = "/internal/v1/catalog/con_airtable/bases", {"workspace_id": WORKSPACE}
        bases = (await http.get(path, params=query, auth=auth)).json()["items"]
        answer = await http.get(f"{path}/{base_id}/tables", params=query, auth=auth)
        missing = await http.get(f"{path}/appMissing0000000/tables", params=query, auth=auth)
    assert {"id": base_id, "name": "Acme deals"} in bases
    (table,) = answer.json()["items"]
    fields = {each["name"]: each for each in table["fields"]}
    assert fields["HubSpot ID"]["mergeable"]
    assert fields["HubSpot ID"]["writable"]
    assert not fields["Amount"]["mergeable"]
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"


async def test_p20_what_is_foreign_or_unknown_is_not_found(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec = await rig.spec("deals")
    async with rig.http("worker") as http:
        run = await rig.run(spec)
        foreign = as_operator(service_keys, FOREIGN)
        paths = [
            "/v1/catalog/con_hubspot/objects",
            "/v1/catalog/con_hubspot/objects/deals/properties",
            "/v1/catalog/con_airtable/bases",
            f"/v1/catalog/con_airtable/bases/{spec.destination.base_id}/tables",
            "/v1/catalog/con_unknown/objects",
            f"/v1/runs/{run['_id']}/rejections",
            "/v1/runs/run_unknown/rejections",
            f"/v1/runs/{run['_id']}/progress",
            "/v1/runs/run_unknown/progress",
        ]
        answers = [await http.get(path, headers=foreign) for path in paths]
    assert {each.status_code for each in answers} == {404}
    assert {each.headers["content-type"] for each in answers} == {"application/problem+json"}


async def test_a_connection_offers_only_what_its_provider_has(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    async with rig.http("api") as http:
        headers = as_operator(service_keys)
        bases = await http.get("/v1/catalog/con_hubspot/bases", headers=headers)
        objects = await http.get("/v1/catalog/con_airtable/objects", headers=headers)
    assert (bases.status_code, objects.status_code) == (404, 404)


async def test_a_connection_that_cannot_be_read_is_said_to_be_none(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    rig.auth.connect("con_shop", WORKSPACE, Provider.SHOPIFY)
    async with rig.http("api") as http:
        answer = await http.get("/v1/catalog/con_shop/objects", headers=as_operator(service_keys))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "TableSync cannot read from Shopify."


async def test_only_those_who_may_ask_are_answered(rig: Rig, service_keys: ServiceKeys) -> None:
    async with rig.http("api") as http:
        nobody = await http.get("/v1/catalog/con_hubspot/objects")
        query = {"workspace_id": WORKSPACE, "ids": "run_1"}
        notifier = await http.get(
            "/internal/v1/runs", params=query, auth=as_service(service_keys, "notifier")
        )
    assert (nobody.status_code, notifier.status_code) == (401, 403)


async def test_a_lost_connection_is_said_to_be_lost(rig: Rig, service_keys: ServiceKeys) -> None:
    await rig.at_hubspot("uninstall")
    async with rig.http("api") as http:
        answer = await http.get(
            "/v1/catalog/con_hubspot/objects/deals/properties", headers=as_operator(service_keys)
        )
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:tablesync:problem:connection-not-connected"
    assert answer.json()["connection_id"] == HUBSPOT


async def test_a_connection_that_is_not_connected_is_said_why(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    rig.auth.lose(HUBSPOT)
    async with rig.http("api") as http:
        answer = await http.get(
            "/internal/v1/catalog/con_hubspot/objects",
            params={"workspace_id": WORKSPACE},
            auth=as_service(service_keys, "scheduler"),
        )
    assert answer.status_code == 409
    known = ConnectionNotConnected.model_validate(answer.json())
    assert known.connection_id == HUBSPOT
    assert (known.connection_status, known.cause) == ("revoked", "app_uninstalled")


ODD_IDS = ["%00", "a%0Ab", "%2e%2e", "%2e", "%3Fx", "%C3%A9", "app" + "a" * 5_000]


@pytest.mark.parametrize("odd", ODD_IDS)
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/catalog/con_airtable/bases/{}/tables", "base_id"),
        ("/v1/catalog/con_hubspot/objects/{}/properties", "object"),
    ],
)
async def test_p30_no_odd_id_reaches_a_provider_or_a_budget(
    rig: Rig, service_keys: ServiceKeys, path: str, field: str, odd: str
) -> None:
    async with rig.http("api") as http:
        answer = await http.get(path.format(odd), headers=as_operator(service_keys))
    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert not (await rig.sandbox.log())["requests"]
    assert not await rig.database["budgets"].count_documents({})


BASES = "/v1/catalog/con_airtable/bases"
TABLES = f"{BASES}/appAAAAAAAAAAAAAA/tables"
PROPERTIES = "/v1/catalog/con_hubspot/objects/deals/properties"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (BASES, {}),
        (BASES, {"bases": [{"id": "appX"}]}),
        (BASES, {"bases": [], "offset": {}}),
        (BASES, {"bases": [], "offset": "never ends"}),
        (BASES, "<html>maintenance</html>"),
        (TABLES, {"tables": None}),
        (TABLES, {"tables": [{"id": "tblX", "name": "Deals"}]}),
        (TABLES, {"tables": [{"id": "tblX", "name": "Deals", "fields": [{"id": "fldX"}]}]}),
        (PROPERTIES, {"message": "hi"}),
        (PROPERTIES, {"results": [{"name": "amount", "label": None, "type": "number"}]}),
        (PROPERTIES, []),
        (PROPERTIES, "<html>maintenance</html>"),
    ],
)
async def test_a_provider_that_answers_with_something_odd_is_said_to_be_in_trouble(
    rig: Rig, service_keys: ServiceKeys, path: str, body: object
) -> None:
    for provider in (Provider.AIRTABLE, Provider.HUBSPOT):
        await rig.sandbox.control(provider, "-", "break", status=200, body=body)
    async with rig.http("api", runner_catalog_retry_seconds=0.5) as http:
        answer = await http.get(path, headers=as_operator(service_keys))
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    said = answer.json()["detail"]
    assert "not understood" in said or "goes in a circle" in said


@pytest.mark.parametrize("path", [BASES, TABLES])
@pytest.mark.parametrize(
    ("status", "message", "answered"),
    [
        (422, "Invalid request", 503),
        (413, "Too large", 503),
        (403, "You are not permitted to create records", 404),
        (404, "Record not found", 404),
    ],
)
async def test_what_airtable_refuses_is_said_in_its_words(
    rig: Rig, service_keys: ServiceKeys, path: str, status: int, message: str, answered: int
) -> None:
    body = {"error": {"type": "REFUSED", "message": message}}
    await rig.at_airtable("break", status=status, body=body)
    async with rig.http("api") as http:
        answer = await http.get(path, headers=as_operator(service_keys))
    assert answer.status_code == answered, answer.text
    assert message in answer.json()["detail"]


async def test_a_removed_connection_is_said_to_be_lost(rig: Rig, service_keys: ServiceKeys) -> None:
    async with rig.http("api") as http:
        path, headers = "/v1/catalog/con_hubspot/objects", as_operator(service_keys)
        assert (await http.get(path, headers=headers)).status_code == 200
        del rig.auth.connections[HUBSPOT]
        answer = await http.get(path, headers=headers)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no longer exists" in answer.json()["detail"]


async def test_runs_and_rejections_are_told(rig: Rig, service_keys: ServiceKeys) -> None:
    spec = await rig.spec("deals")
    bad = (await rig.deals())[0]["id"]
    await rig.at_hubspot("edit", object="deals", ids=[bad], properties={"amount": "a lot"})
    async with rig.http("worker") as http:
        row = await rig.run(spec)
        rejections = await http.get(
            f"/v1/runs/{row['_id']}/rejections", headers=as_operator(service_keys)
        )
        runs = await http.get(
            "/internal/v1/runs",
            params={"ids": f"{row['_id']},run_unknown"},
            auth=as_service(service_keys, "scheduler"),
        )
    (rejection,) = rejections.json()["items"]
    assert (rejection["source_id"], rejection["field"]) == (bad, "Amount")
    assert (rejection["value"], rejection["remedy"]) == ("a lot", "Map it to a text field.")
    (run,) = runs.json()["items"]
    assert run["run_id"] == row["_id"]
    assert (run["status"], run["counts"]["rejected"]) == ("succeeded", 1)
    assert run["started_at"] <= run["ended_at"]


async def test_how_far_a_run_has_come_is_told_by_what_it_has_saved(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec, headers = await rig.spec("deals"), as_operator(service_keys)
    await rig.slow_down(Provider.AIRTABLE, 700)
    async with rig.http("worker") as http:
        run_id = await rig.enqueue(spec)
        path = f"/v1/runs/{run_id}/progress"

        async def writing() -> Json | None:
            found: Json = (await http.get(path, headers=headers)).json()
            return found if found["phase"] == "writing" else None

        meanwhile = await eventually(writing)
        await rig.slow_down(Provider.AIRTABLE, 0)
        row = await rig.ended(run_id)
        after = (await http.get(path, headers=headers)).json()
    assert (meanwhile["run_id"], meanwhile["status"]) == (run_id, "running")
    assert (after["sync_id"], after["status"], after["phase"]) == (spec.sync_id, "succeeded", None)
    assert after["counts"] == row["counts"]
    assert meanwhile["at"] < after["at"]


async def test_a_run_that_a_newer_version_wrote_is_known_and_spoils_no_other(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec = await rig.spec("deals")
    async with rig.http("worker") as http:
        row = await rig.run(spec)
        newer = {**row, "_id": "run_newer", "trigger": "of next year"}
        await rig.database[store.RUNS].insert_one(newer)
        ids = [row["_id"], "run_newer", "run_unknown"]
        answer = await http.get(
            "/internal/v1/runs",
            params={"ids": ",".join(ids)},
            auth=as_service(service_keys, "scheduler"),
        )
    told = RunStates.read(answer.json())
    assert [each.run_id for each in told.items] == [row["_id"]]
    assert told.unread_ids == ("run_newer",)
    assert told.unknown(ids) == {"run_unknown"}


async def test_rejections_come_in_pages_of_which_none_is_left_out(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec = await rig.spec("deals")
    bad = [each["id"] for each in await rig.deals()][:5]
    await rig.at_hubspot("edit", object="deals", ids=bad, properties={"amount": "a lot"})
    found: list[str] = []
    async with rig.http("worker") as http:
        row = await rig.run(spec)
        path, headers = f"/v1/runs/{row['_id']}/rejections", as_operator(service_keys)
        query: dict[str, str | int] = {"limit": 2}
        while True:
            page = (await http.get(path, params=query, headers=headers)).json()
            found += [each["source_id"] for each in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        wrong = await http.get(path, params={"cursor": "none of ours"}, headers=headers)
    assert found == sorted(bad)
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "cursor"


async def test_it_is_alive_and_ready(rig: Rig) -> None:
    async with rig.http("consumer") as http:
        assert (await http.get("/healthz")).status_code == 200

        async def ready() -> bool:
            return (await http.get("/readyz")).status_code == 200

        await eventually(ready)
