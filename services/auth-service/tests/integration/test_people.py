"""People: who is in no workspace yet, in one, or in several."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from auth_service_rig import Json, Rig, Start, id_token, pages_of, stored
from tablesync.contracts import new_id
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


async def test_an_invitation_can_be_declined_by_the_one_invited_alone(
    rig: Rig, newcomer: httpx.AsyncClient
) -> None:
    mine = await rig.invite(NEWCOMER)
    others = await rig.invite(f"else-{rig.workspace_id}@example.test")
    path = "/v1/received-invitations/{}/decline"

    declined = await newcomer.post(path.format(mine["id"]))
    again = await newcomer.post(path.format(mine["id"]))
    foreign = await newcomer.post(path.format(others["id"]))
    accepted = await newcomer.post(f"/v1/received-invitations/{mine['id']}/accept")

    assert declined.json() == {"id": mine["id"], "declined": True}
    for answer in (again, foreign, accepted):
        assert answer.status_code == 404
        assert answer.json()["detail"] == (
            "There is no such invitation to you, or it cannot be accepted any more."
        )
    assert await received(newcomer) == []
    listed = (await (await rig.operator()).get("/v1/invitations")).json()["items"]
    assert [each["id"] for each in listed] == [others["id"]]


async def test_what_a_person_can_make_without_end_has_a_limit_that_is_named(
    start: Start, newcomer: httpx.AsyncClient, workspace: Json
) -> None:
    limits = (
        ("AUTH_WORKSPACES_PER_PERSON", "/v1/workspaces", {"name": "One more"}),
        ("AUTH_API_TOKENS_PER_MEMBER", "/v1/api-tokens", {"name": "One more"}),
        ("AUTH_OPEN_INVITATIONS_PER_WORKSPACE", "/v1/members", {"name": "N", "role": "viewer"}),
    )
    rig = await start(**{name: "2" for name, *_ in limits})
    admin = await rig.operator("admin")
    (own,) = (await admin.get("/v1/api-tokens")).json()["items"]
    (await admin.delete(f"/v1/api-tokens/{own['id']}")).raise_for_status()
    admin = rig.client(headers=admin.headers)
    for setting, path, body in limits:
        made = [
            await admin.post(path, json={**body, **email})
            for email in (
                {"email": f"{number}-{rig.workspace_id}@example.test"} if "role" in body else {}
                for number in range(3)
            )
        ]
        assert [each.status_code for each in made] == [201, 201, 409], made[-1].text
        problem = made[-1].json()
        assert (problem["type"], problem["limit"]) == ("urn:tablesync:problem:limit-reached", 2)
        assert "There may be 2 " in problem["detail"]
        assert problem["detail"].endswith(f"Whoever runs TableSync can raise {setting}.")
    (one, _) = (await admin.get("/v1/invitations")).json()["items"]
    (await admin.delete(f"/v1/invitations/{one['id']}")).raise_for_status()
    assert (await admin.post("/v1/members", json={
        "email": f"4-{rig.workspace_id}@example.test", "name": "N", "role": "viewer"
    })).status_code == 201  # fmt: skip


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
    own = ("/v1/workspaces", "/v1/received-invitations", "/v1/tokens", "/v1/sessions")
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


async def spoil(database: Database, workspace_id: str) -> None:
    """Let a stored workspace be one that this version cannot read."""
    await database["workspaces"].update_one({"_id": workspace_id}, {"$unset": {"name": ""}})


async def test_p29_a_workspace_that_cannot_be_read_keeps_nobody_out_of_the_others(
    rig: Rig, newcomer: httpx.AsyncClient, database: Database
) -> None:
    good, bad = [
        (await newcomer.post("/v1/workspaces", json={"name": name})).json()
        for name in ("Alpha", "Beta")
    ]
    await spoil(database, bad["id"])

    entered = [await sign_in(rig, each["id"]) for each in (good, bad)]
    asked = await sign_in(rig)
    listed = (await newcomer.get("/v1/workspaces")).raise_for_status().json()

    assert [each.json()["workspace_id"] for each in entered] == [good["id"], bad["id"]]
    assert asked.status_code == 409, "what cannot be read leaves the choice with the person"
    assert asked.json()["workspaces"] == [good]
    assert (listed["items"], listed["unread_ids"]) == ([good], [bad["id"]])


async def test_p29_whose_one_workspace_cannot_be_read_is_a_member_of_it_still(
    rig: Rig, newcomer: httpx.AsyncClient, database: Database
) -> None:
    bad = (await newcomer.post("/v1/workspaces", json={"name": "Alpha"})).json()
    await spoil(database, bad["id"])

    entered = (await sign_in(rig)).raise_for_status().json()

    assert (entered["workspace_id"], entered["role"]) == (bad["id"], "admin")


async def test_p29_an_invitation_from_what_cannot_be_read_hides_no_other(
    rig: Rig, newcomer: httpx.AsyncClient, database: Database
) -> None:
    mine = await rig.invite(NEWCOMER)
    invitation = await stored(database, "invitations", mine["id"])
    bad, gone = new_id("ws"), new_id("ws")
    await database["workspaces"].insert_one({"_id": bad})
    for workspace_id in (bad, gone):
        await database["invitations"].insert_one(
            {**invitation, "_id": new_id("inv"), "workspace_id": workspace_id}
        )

    listed = (await newcomer.get("/v1/received-invitations")).raise_for_status().json()

    assert [each["id"] for each in listed["items"]] == [mine["id"]]
    assert listed["unread_ids"] == [bad]


async def test_p29_an_invitation_is_shown_though_its_inviter_cannot_be_read(
    rig: Rig, newcomer: httpx.AsyncClient, database: Database
) -> None:
    mine = await rig.invite(NEWCOMER)
    inviter = {"_id": rig.person("admin")["id"]}
    await database["operators"].update_one(inviter, {"$unset": {"name": ""}})

    (shown,) = await received(newcomer)

    assert (shown["id"], shown["invited_by"]) == (mine["id"], None)
