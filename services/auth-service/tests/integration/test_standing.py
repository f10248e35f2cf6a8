"""Who was removed or demoted changes nothing more, though the user token lives on."""

import asyncio
from typing import Any

import pytest
from auth_service_rig import Json, Rig, stored
from tablesync.auth_service.identity.members import Members, Membership
from tablesync.service_kit.http.idempotency import OnceBy
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.test_kit import eventually, press

# What is not about the caller's workspace: a person remains one. And what all services have.
OPEN_TO_OTHERS = (
    "/v1/tokens",
    "/v1/sessions",
    "/v1/workspaces",
    "/v1/received-invitations",
    "/v1/dlq",
)


async def changing(rig: Rig) -> list[tuple[str, str]]:
    """Return method and path of each public route that changes something in a workspace."""
    document: dict[str, Any] = (await rig.client().get("/openapi.json")).json()
    return [
        (method, path.replace("{", "").replace("}", ""))
        for path, operations in document["paths"].items()
        for method in operations
        if path.startswith("/v1/") and method != "get" and not path.startswith(OPEN_TO_OTHERS)
    ]


async def remove(rig: Rig, role: str) -> None:
    admin = await rig.operator("admin")
    answer = await admin.delete(f"/v1/members/{rig.person(role)['id']}")
    answer.raise_for_status()


async def test_p20_a_removed_operator_with_a_living_token_changes_nothing(rig: Rig) -> None:
    gone = await rig.operator("operator")
    await remove(rig, "operator")

    answers = {each: await gone.request(*each, json={}) for each in await changing(rig)}

    assert len(answers) >= 6
    assert {each.status_code for each in answers.values()} == {401}, answers
    assert "not a member of this workspace any more" in next(iter(answers.values())).text
    assert (await gone.get("/v1/members")).status_code == 200


async def test_p20_a_removed_admin_does_not_come_back_by_a_friend(
    rig: Rig, database: Database
) -> None:
    first = await rig.operator("admin")
    await set_role(database, rig, "operator", 3)
    second = rig.client(headers={"Authorization": f"Bearer {await rig.user_token('operator')}"})
    (await second.delete(f"/v1/members/{rig.person('admin')['id']}")).raise_for_status()

    friend = {"email": f"back-{rig.workspace_id}@example.test", "name": "Back", "role": "admin"}
    answer = await first.post("/v1/members", json=friend)

    assert answer.status_code == 401
    assert friend["email"] not in (await second.get("/v1/members")).text


@pytest.mark.parametrize("role", ["admin", "operator"])
async def test_p20_a_demoted_member_with_a_living_token_has_the_new_role(
    rig: Rig, database: Database, role: str
) -> None:
    member = await rig.operator(role)
    await set_role(database, rig, role, 1)

    new = {"email": "x@example.test", "name": "X", "role": "admin"}
    added = await member.post("/v1/members", json=new)
    begun = await member.post("/v1/authorizations", json={"provider": "hubspot"})

    assert (added.status_code, begun.status_code) == (403, 403)


async def set_role(database: Database, rig: Rig, person: str, role: int) -> None:
    """Give a person of the bootstrap file another role."""
    query = {"_id": f"{rig.workspace_id}/{rig.person(person)['id']}"}
    result = await database["memberships"].update_one(query, {"$set": {"role": role}})
    assert result.modified_count == 1


async def test_p20_what_a_removed_operator_began_comes_to_nothing(rig: Rig) -> None:
    gone = await rig.operator("operator")
    attempts = [
        (await gone.post("/v1/authorizations", json={"provider": "hubspot"})).json()
        for _ in range(2)
    ]
    browser = rig.client()
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    consent = await press(browser, attempts[0]["start_url"])
    callback = (await browser.get(consent.headers["location"])).headers["location"]

    await remove(rig, "operator")

    assert (await browser.get(callback)).status_code == 400
    assert (await browser.get(attempts[1]["start_url"])).status_code == 410
    viewer = await rig.operator("viewer")
    for each in attempts:
        assert (await viewer.get(f"/v1/authorizations/{each['id']}")).json()["status"] == "expired"
    assert (await viewer.get("/v1/connections")).json()["items"] == []


async def test_p20_a_code_under_exchange_makes_no_connection_once_its_asker_has_left(
    rig: Rig, database: Database
) -> None:
    gone = await rig.operator("operator")
    attempt = (await gone.post("/v1/authorizations", json={"provider": "hubspot"})).json()
    await rig.sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    await rig.sandbox.control("hubspot", "-", "latency", ms=1_500)
    browser = rig.client(follow_redirects=True)
    arriving = asyncio.create_task(press(browser, attempt["start_url"]))

    async def is_claimed() -> bool:
        found = await stored(database, "authorizations", attempt["id"])
        return "verifier" in found and "state_digest" not in found

    await eventually(is_claimed)
    await remove(rig, "operator")

    assert "cannot be continued" in (await arriving).text
    await rig.sandbox.control("hubspot", "-", "latency", ms=0)
    viewer = await rig.operator("viewer")
    assert (await viewer.get("/v1/connections")).json()["items"] == []


async def test_p20_the_api_tokens_of_who_left_do_not_come_back_with_them(
    rig: Rig, database: Database
) -> None:
    viewer = rig.person("viewer")
    await remove(rig, "viewer")

    assert await database["api_tokens"].count_documents({"operator_id": viewer["id"]}) == 0


CHANGES: list[tuple[str, Json]] = [
    ("/v1/members", {"email": "friend@example.test", "name": "F", "role": "admin"}),
    ("/v1/api-tokens", {"name": "kept"}),
    ("/v1/authorizations", {"provider": "hubspot"}),
]


async def once_looked_up(rig: Rig, monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Have something happen between the look at who asks and the change that was asked for."""
    unchanged = OnceBy.__call__

    async def call(once: Any, work: Any) -> Any:
        monkeypatch.setattr(OnceBy, "__call__", unchanged)
        await change()
        return await unchanged(once, work)

    monkeypatch.setattr(OnceBy, "__call__", call)


async def once_read(rig: Rig, monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Have something happen after the change's transaction has read who asks, before it writes."""
    unchanged = Members.act

    async def act(
        members: Members, unit: UnitOfWork, workspace_id: str, operator_id: str
    ) -> Membership | None:
        monkeypatch.setattr(Members, "act", unchanged)
        assert await members.find(workspace_id, operator_id, unit.session)
        await change()
        return await unchanged(members, unit, workspace_id, operator_id)

    monkeypatch.setattr(Members, "act", act)


@pytest.mark.parametrize("at_that_moment", [once_looked_up, once_read])
@pytest.mark.parametrize("change", CHANGES)
async def test_p20_who_is_removed_between_look_and_write_changes_nothing(
    rig: Rig,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    change: tuple[str, Json],
    at_that_moment: Any,
) -> None:
    admin = await rig.operator("admin")
    await set_role(database, rig, "operator", 3)
    gone = rig.client(headers={"Authorization": f"Bearer {await rig.user_token('operator')}"})
    gone_id = rig.person("operator")["id"]

    async def removal() -> None:
        (await admin.delete(f"/v1/members/{gone_id}")).raise_for_status()

    await at_that_moment(rig, monkeypatch, removal)
    path, body = change
    answer = await gone.post(path, json=body)

    assert answer.status_code == 401, answer.text
    assert "not a member of this workspace any more" in answer.text
    for collection in ("invitations", "api_tokens", "authorizations"):
        theirs = {"$or": [{"invited_by": gone_id}, {"operator_id": gone_id}]}
        assert await database[collection].count_documents(theirs) == 0


@pytest.mark.parametrize("at_that_moment", [once_looked_up, once_read])
async def test_p20_who_is_demoted_between_look_and_write_has_the_new_role(
    rig: Rig, database: Database, monkeypatch: pytest.MonkeyPatch, at_that_moment: Any
) -> None:
    admin = await rig.operator("admin")
    await set_role(database, rig, "operator", 3)
    demoted = rig.client(headers={"Authorization": f"Bearer {await rig.user_token('operator')}"})

    async def demotion() -> None:
        path = f"/v1/members/{rig.person('operator')['id']}"
        (await admin.patch(path, json={"role": "viewer"})).raise_for_status()

    await at_that_moment(rig, monkeypatch, demotion)
    answer = await demoted.post("/v1/members", json=CHANGES[0][1])

    assert answer.status_code == 403, answer.text
    assert (await admin.get("/v1/invitations")).json()["items"] == []


async def test_p20_two_admins_who_remove_or_demote_each_other_leave_one(
    rig: Rig, database: Database
) -> None:
    await set_role(database, rig, "operator", 3)
    tokens = {role: await rig.user_token(role) for role in ("admin", "operator")}
    admins = {
        role: rig.client(headers={"Authorization": f"Bearer {token}"})
        for role, token in tokens.items()
    }

    answers = await asyncio.gather(
        admins["admin"].delete(f"/v1/members/{rig.person('operator')['id']}"),
        admins["operator"].patch(
            f"/v1/members/{rig.person('operator')['id']}", json={"role": "viewer"}
        ),
        admins["operator"].patch(
            f"/v1/members/{rig.person('admin')['id']}", json={"role": "viewer"}
        ),
    )

    query = {"workspace_id": rig.workspace_id, "role": 3}
    assert await database["memberships"].count_documents(query) == 1, answers
