"""People: who is in no workspace yet, in one, or in several."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from auth_service_rig import Json, Rig, id_token, pages_of
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import SandboxControl

NEWCOMER = "newcomer@example.test"


@pytest_asyncio.fixture
async def newcomer(rig: Rig, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of somebody who is signed in and a member of nothing."""
    known = await database["operators"].find_one({"email_key": NEWCOMER})
    if known is not None:
        await database["memberships"].delete_many({"operator_id": known["_id"]})
        await database["operators"].delete_one({"_id": known["_id"]})
    await database["invitations"].delete_many({"email_key": NEWCOMER})
    answer = await sign_in(rig)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["workspace_id"], body["operator_id"], body["role"]) == (None, None, None)
    yield rig.client(headers={"Authorization": f"Bearer {body['access_token']}"})


async def sign_in(rig: Rig, workspace_id: str | None = None) -> httpx.Response:
    """Sign the newcomer in by an id token."""
    body: Json = {"id_token": await id_token(rig.sandbox, NEWCOMER)}
    if workspace_id is not None:
        body["workspace_id"] = workspace_id
    return await rig.client().post("/v1/tokens", json=body)


async def received(person: httpx.AsyncClient) -> list[Json]:
    items: list[Json] = (await person.get("/v1/received-invitations")).json()["items"]
    return items


async def test_somebody_in_no_workspace_accepts_an_invitation_after_signing_in(
    rig: Rig, newcomer: httpx.AsyncClient
) -> None:
    assert await received(newcomer) == []
    invitation = await rig.invite(NEWCOMER.upper(), "operator", "Called So")

    (shown,) = await received(newcomer)
    accepted = await newcomer.post(f"/v1/received-invitations/{shown['id']}/accept")
    signed_in = await sign_in(rig)

    inviter, workspace = rig.person("admin"), rig.bootstrap["workspace"]
    assert shown == {
        "id": invitation["id"],
        "workspace": workspace,
        "role": "operator",
        "invited_by": {"email": inviter["email"], "name": inviter["name"]},
        "expires_at": invitation["expires_at"],
    }
    assert accepted.json() == {**workspace, "role": "operator"}
    assert (signed_in.json()["workspace_id"], signed_in.json()["role"]) == (
        workspace["id"],
        "operator",
    )
    assert await received(newcomer) == []


async def test_somebody_in_no_workspace_creates_one_and_is_its_admin(
    rig: Rig, newcomer: httpx.AsyncClient
) -> None:
    key = {"Idempotency-Key": f"found-{rig.workspace_id}"}

    made = [
        await newcomer.post("/v1/workspaces", json={"name": "Nora & Co"}, headers=key)
        for _ in range(2)
    ]
    user = (await sign_in(rig)).json()

    assert [each.status_code for each in made] == [201, 201]
    assert made[0].json() == made[1].json()
    assert {"name": "Nora & Co", "role": "admin"}.items() <= made[0].json().items()
    assert (user["workspace_id"], user["role"]) == (made[0].json()["id"], "admin")
    admin = rig.client(headers={"Authorization": f"Bearer {user['access_token']}"})
    (member,) = (await admin.get("/v1/members")).json()["items"]
    assert (member["email"], member["name"], member["role"]) == (
        NEWCOMER,
        "Nora Newcomer",
        "admin",
    )
    assert (await admin.get("/v1/workspace")).json()["name"] == "Nora & Co"


async def test_p20_a_token_without_a_workspace_opens_nothing_else(
    rig: Rig, newcomer: httpx.AsyncClient
) -> None:
    document = (await rig.client().get("/openapi.json")).json()
    own = ("/v1/workspaces", "/v1/received-invitations", "/v1/tokens")
    routes = [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, operations in document["paths"].items()
        for method in operations
        if path.startswith(("/v1/", "/internal/")) and not path.startswith(own)
    ]

    answers = {each: await newcomer.request(*each, json={}) for each in routes}

    assert len(routes) > 15
    assert {each.status_code for each in answers.values()} == {401}, answers


async def test_p20_an_invitation_of_somebody_else_is_not_accepted(
    rig: Rig, newcomer: httpx.AsyncClient
) -> None:
    invitation = await rig.invite(f"else-{rig.workspace_id}@example.test", "admin")

    answer = await newcomer.post(f"/v1/received-invitations/{invitation['id']}/accept")

    assert answer.status_code == 404
    assert await received(newcomer) == []
    assert (await newcomer.get("/v1/workspaces")).json()["items"] == []


async def test_p20_in_several_workspaces_one_is_asked_which_whoever_came_first(
    rig: Rig, newcomer: httpx.AsyncClient
) -> None:
    own = (await newcomer.post("/v1/workspaces", json={"name": "Own"})).json()
    invitation = await rig.invite(NEWCOMER, "viewer")
    still_own = await sign_in(rig)
    user = rig.client(headers={"Authorization": f"Bearer {still_own.json()['access_token']}"})

    joined = (await user.post(f"/v1/received-invitations/{invitation['id']}/accept")).json()
    asked = await sign_in(rig)
    chosen = [await sign_in(rig, each["id"]) for each in (own, joined)]
    foreign = await sign_in(rig, "ws_of_others")

    assert still_own.json()["workspace_id"] == own["id"]
    assert (asked.status_code, asked.json()["type"]) == (
        409,
        "urn:tablesync:problem:several-workspaces",
    )
    by_id = {each["id"]: each for each in asked.json()["workspaces"]}
    assert by_id == {each["id"]: each for each in (own, joined)}
    assert [each.json()["role"] for each in chosen] == ["admin", "viewer"]
    assert foreign.status_code == 401
    pages = await pages_of(user, "/v1/workspaces", limit=1)
    assert [len(each) for each in pages] == [1, 1]
    assert {each["id"]: each for page in pages for each in page} == by_id


async def test_p20_an_invitation_that_was_not_accepted_changes_no_sign_in(
    rig: Rig, newcomer: httpx.AsyncClient
) -> None:
    await rig.invite(NEWCOMER, "admin")

    assert (await sign_in(rig)).json()["workspace_id"] is None
    assert (await sign_in(rig, rig.workspace_id)).status_code == 401


async def test_a_scripts_token_keeps_its_workspace_whatever_others_one_joins(rig: Rig) -> None:
    operator = await rig.operator("operator")
    created = await operator.post("/v1/workspaces", json={"name": "Second"})

    answer = await rig.client().post("/v1/tokens", json={"api_token": rig.api_token("operator")})

    assert created.status_code == 201
    assert answer.json()["workspace_id"] == rig.workspace_id


@pytest.mark.parametrize("name", ["", "a\u0000b", None, 7])
async def test_p21_a_workspace_needs_a_name_that_can_be_shown(
    newcomer: httpx.AsyncClient, name: object
) -> None:
    answer = await newcomer.post("/v1/workspaces", json={"name": name})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "name"


async def test_p20_nobody_is_signed_in_by_an_api_token_that_leads_nowhere(
    rig: Rig, sandbox: SandboxControl
) -> None:
    for token in ("tsk_wrong", await id_token(sandbox, NEWCOMER)):
        answer = await rig.client().post("/v1/tokens", json={"api_token": token})
        assert answer.status_code == 401
