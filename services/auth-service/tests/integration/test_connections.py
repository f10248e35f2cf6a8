"""Connections, as operators list them."""

from itertools import chain

import pytest
import pytest_asyncio
from auth_service_rig import PORTAL, Rig, pages_of, stored
from tablesync.contracts import new_id
from tablesync.contracts.public_api.connections import ProviderView
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import SandboxControl

# Those of one workspace, worst first: name, status, what the consent left out, host.
STORED: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("Zebra", "revoked", [], None),
    ("Bürobedarf", "connected", ["oauth"], None),
    ("acme.test", "connected", [], None),
    ("Ürün", "connected", [], "urun.shops.test"),
    ("Yak", "connected", [], None),
    ("Alpha", "disconnected", [], None),
)


@pytest_asyncio.fixture
async def made(rig: Rig, database: Database) -> list[str]:
    """Store connections as an earlier version did, the best first; return ids, worst first."""
    template = await stored(database, "connections", (await rig.connect("hubspot", PORTAL))["id"])
    for each in ("order", "found_by", "changed_by", "established_at"):
        del template[each]
    ids = []
    for number, (name, status, missing, host) in reversed([*enumerate(STORED)]):
        changed = {"status": status, "missing_scopes": missing}
        changed |= {"host": host} if host else {}
        account = {"id": str(number), "name": name, "email": f"{number}@acme.test"}
        ids.append(new_id("con"))
        row = {**template, **changed, "_id": ids[-1], "account": account}
        await database["connections"].insert_one(row)
    await database["connections"].delete_one({"_id": template["_id"]})
    return ids[::-1]


async def test_connections_come_worst_first_in_pages_whoever_has_stored_them(
    rig: Rig, made: list[str]
) -> None:
    operator = await rig.operator("viewer")

    whole = (await operator.get("/v1/connections")).json()
    pages = await pages_of(operator, "/v1/connections", limit=4)
    counts = (await operator.get("/v1/connections/counts")).json()

    assert [each["id"] for each in whole["items"]] == made
    names = (await operator.get("/v1/connections/names")).json()["items"]
    assert [(each["id"], each["name"]) for each in names] == [
        (each["id"], each["name"] or each["account"]["name"]) for each in whole["items"]
    ]
    assert [len(page) for page in pages] == [4, 2]
    assert [*chain(*pages)] == whole["items"]
    assert [each["established_at"] for each in whole["items"]] == [None] * len(made)
    badges = {"Disconnected": 1, "Needs attention": 1, "Connected": 3, "Disconnected by you": 1}
    assert counts == {"total": len(made), "badges": badges}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "burobedarf"}, [1]),
        ({"q": "ACME.test 5@"}, [5]),
        ({"q": "shops hubspot"}, [3]),
        ({"q": "$a .*"}, []),
        ({"q": "\0"}, [*range(6)]),
        ({"q": "z", "provider": "hubspot"}, [0]),
        ({"provider": "airtable"}, []),
    ],
)
async def test_connections_are_found_by_words_and_provider(
    rig: Rig, made: list[str], query: dict[str, str], found: list[int]
) -> None:
    answer = await (await rig.operator()).get("/v1/connections", params=query)
    assert [each["id"] for each in answer.json()["items"]] == [made[each] for each in found]


async def test_p20_what_others_have_is_neither_found_nor_counted(
    other_rig: Rig, made: list[str]
) -> None:
    other = await other_rig.operator()

    assert (await other.get("/v1/connections", params={"q": "acme"})).json()["items"] == []
    assert (await other.get("/v1/connections/counts")).json() == {"total": 0, "badges": {}}
    assert (await other.get(f"/v1/connections/{made[0]}")).status_code == 404
    renamed = await other.patch(f"/v1/connections/{made[0]}", json={"name": "Mine"})
    assert renamed.status_code == 404


async def test_p21_a_provider_that_is_none_is_refused_with_those_that_are(rig: Rig) -> None:
    answer = await (await rig.operator()).get("/v1/connections", params={"provider": "salesforce"})

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "provider"
    assert "hubspot" in error["remedy"]


async def test_a_connection_tells_who_brought_about_what_it_is(
    rig: Rig, sandbox: SandboxControl
) -> None:
    admin = rig.person("admin")
    connection = await rig.connect("hubspot", PORTAL)
    assert connection["changed_by"] == {"id": admin["id"], "name": admin["name"]}
    assert connection["established_at"] == connection["changed_at"]

    await sandbox.control("hubspot", PORTAL, "uninstall")
    await rig.report(connection["id"], connection["grant_version"])
    lost = await rig.connection(connection["id"])
    assert (lost["badge"], lost["changed_by"]) == ("Disconnected", None)

    operator = await rig.operator("operator")
    gone = await operator.post(f"/v1/connections/{connection['id']}/disconnect")
    assert gone.json()["changed_by"]["name"] == rig.person("operator")["name"]
    assert gone.json()["established_at"] == connection["established_at"]


async def test_a_connection_is_called_otherwise_and_by_its_account_again(
    rig: Rig, database: Database, made: list[str]
) -> None:
    operator, last = await rig.operator("operator"), made[-1]
    before = await rig.connection(last)

    named = await operator.patch(f"/v1/connections/{last}", json={"name": " Sales  portal "})

    assert named.json() == {**before, "name": "Sales  portal"}
    found = (await operator.get("/v1/connections", params={"q": "sales portal"})).json()["items"]
    assert found == [named.json()]
    again = await operator.patch(f"/v1/connections/{last}", json={"name": None})
    assert again.json() == before
    trail = await database["audit"].find({"subject": last}).sort("number", 1).to_list(None)
    assert [(each["action"], each["actor"], each["detail"]) for each in trail] == [
        ("connection.renamed", rig.person("operator")["id"], each)
        for each in (
            {"name": "Sales  portal", "before": None},
            {"name": None, "before": "Sales  portal"},
        )
    ]


async def test_a_name_outlives_a_reconnect(rig: Rig) -> None:
    connection = await rig.connect("hubspot", PORTAL)
    path = f"/v1/connections/{connection['id']}"
    await (await rig.operator()).patch(path, json={"name": "Sales"})

    again = await rig.connect("hubspot", PORTAL)

    assert (again["id"], again["name"], again["grant_version"]) == (connection["id"], "Sales", 2)


@pytest.mark.parametrize(
    ("role", "body", "status"),
    [
        ("viewer", {"name": "Sales"}, 403),
        ("operator", {"name": " "}, 422),
        ("operator", {"name": "x" * 201}, 422),
        ("operator", {}, 422),
    ],
)
async def test_p21_a_name_that_is_none_and_who_may_not_rename_change_nothing(
    rig: Rig, made: list[str], role: str, body: dict[str, str], status: int
) -> None:
    before = await rig.connection(made[0])

    answer = await (await rig.operator(role)).patch(f"/v1/connections/{made[0]}", json=body)

    assert answer.status_code == status
    if status == 422:
        assert answer.json()["errors"][0]["field"] == "name"
        assert answer.json()["errors"][0]["remedy"]
    assert await rig.connection(made[0]) == before


async def test_what_can_be_connected_is_told_to_every_member_and_nobody_else(rig: Rig) -> None:
    viewer = await rig.operator("viewer")

    told = (await viewer.get("/v1/providers")).raise_for_status().json()["items"]

    assert [each["name"] for each in told] == ["hubspot", "airtable"]
    hubspot, airtable = (ProviderView.model_validate(each) for each in told)
    assert (hubspot.is_source, airtable.is_destination) == (True, True)
    assert (hubspot.comes_back_after_refusal, airtable.comes_back_after_refusal) == (False, True)
    assert [each.name for each in airtable.extras] == ["create_tables"]
    for each in (hubspot, airtable):
        assert each.label in each.asks
        page = await rig.client().get(each.sign_out_url)
        assert "You are signed out" in page.text
    assert (await rig.client().get("/v1/providers")).status_code == 401


async def test_a_cursor_of_another_list_is_refused(rig: Rig) -> None:
    operator = await rig.operator()
    page = (await operator.get("/v1/members", params={"limit": 1})).json()

    answer = await operator.get("/v1/connections", params={"cursor": page["next_cursor"]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"
