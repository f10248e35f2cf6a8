"""Workspaces, members, API tokens and sign-in."""

import pytest
from auth_service_rig import Rig
from tablesync.service_kit.mongo import Database


async def test_an_api_token_is_exchanged_for_a_user_token(rig: Rig) -> None:
    answer = await rig.client().post("/v1/tokens", json={"api_token": rig.api_token("operator")})

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["expires_in"] == 300
    assert body["workspace_id"] == rig.workspace_id
    assert body["role"] == "operator"


async def test_a_wrong_api_token_is_refused(rig: Rig) -> None:
    answer = await rig.client().post("/v1/tokens", json={"api_token": "tsk_wrong"})

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_sign_in_wants_exactly_one_credential(rig: Rig) -> None:
    for body in ({}, {"api_token": "canary-a", "id_token": "canary-b"}):
        answer = await rig.client().post("/v1/tokens", json=body)
        assert answer.status_code == 422
        assert "canary" not in answer.text


async def test_members_are_added_and_removed_by_admins(rig: Rig) -> None:
    admin = await rig.operator("admin")
    new = {"email": "New@Example.test", "name": "Nia", "role": "viewer"}

    added = (await admin.post("/v1/members", json=new)).raise_for_status().json()
    again = await admin.post("/v1/members", json={**new, "email": "new@example.test"})
    listed = (await admin.get("/v1/members")).json()["items"]
    removed = await admin.delete(f"/v1/members/{added['operator_id']}")

    assert again.status_code == 409
    assert added["operator_id"] in [each["operator_id"] for each in listed]
    assert removed.status_code == 200
    assert (await admin.delete(f"/v1/members/{added['operator_id']}")).status_code == 404


@pytest.mark.parametrize("name", ["  ", "a\u0000b", "a\u2028b", "Evil\r\nBcc: x@y.z"])
async def test_names_that_are_blank_or_not_on_one_line_are_refused(rig: Rig, name: str) -> None:
    admin = await rig.operator("admin")
    member = {"email": "new@example.test", "name": name, "role": "viewer"}

    answers = [
        await admin.post("/v1/members", json=member),
        await admin.post("/v1/api-tokens", json={"name": name}),
    ]

    assert [each.status_code for each in answers] == [422, 422]
    assert [each.json()["errors"][0]["field"] for each in answers] == ["name", "name"]


async def test_a_name_in_any_script_is_kept(rig: Rig) -> None:
    admin = await rig.operator("admin")
    member = {"email": "zoe@example.test", "name": " Ζωή 👩‍👩‍👧\n", "role": "viewer"}

    assert (await admin.post("/v1/members", json=member)).json()["name"] == "Ζωή 👩‍👩‍👧"


async def test_the_last_admin_stays(rig: Rig) -> None:
    admin = await rig.operator("admin")
    me = next(each for each in rig.bootstrap["operators"] if each["role"] == "admin")

    answer = await admin.delete(f"/v1/members/{me['id']}")

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:tablesync:problem:last-admin"


async def test_roles_are_kept(rig: Rig) -> None:
    viewer = await rig.operator("viewer")
    new = {"email": "x@example.test", "name": "X", "role": "admin"}

    assert (await viewer.get("/v1/connections")).status_code == 200
    assert (await viewer.post("/v1/members", json=new)).status_code == 403
    assert (
        await viewer.post("/v1/authorizations", json={"provider": "hubspot"})
    ).status_code == 403


async def test_a_new_api_token_is_shown_once_and_stored_as_a_digest(
    rig: Rig, database: Database
) -> None:
    operator = await rig.operator("operator")

    made = (await operator.post("/v1/api-tokens", json={"name": "laptop"})).json()
    listed = (await operator.get("/v1/api-tokens")).json()["items"]

    assert made["api_token"] not in str(listed)
    assert made["api_token"] not in str([row async for row in database["api_tokens"].find()])
    exchanged = await rig.client().post("/v1/tokens", json={"api_token": made["api_token"]})
    assert exchanged.json()["operator_id"] == rig.person("operator")["id"]
    assert (await operator.delete(f"/v1/api-tokens/{made['id']}")).status_code == 200
    refused = await rig.client().post("/v1/tokens", json={"api_token": made["api_token"]})
    assert refused.status_code == 401


async def test_p22_the_same_key_gives_the_same_answer(rig: Rig) -> None:
    operator = await rig.operator("operator")
    headers = {"Idempotency-Key": "once"}

    first = await operator.post("/v1/authorizations", json={"provider": "hubspot"}, headers=headers)
    second = await operator.post(
        "/v1/authorizations", json={"provider": "hubspot"}, headers=headers
    )
    other = await operator.post(
        "/v1/authorizations", json={"provider": "airtable"}, headers=headers
    )

    assert first.json() == second.json()
    assert other.status_code == 422


async def test_an_unknown_provider_is_named_with_the_remedy(rig: Rig) -> None:
    operator = await rig.operator()

    answer = await operator.post("/v1/authorizations", json={"provider": "salesforce"})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "provider",
            "message": "is not a known provider",
            "remedy": "Use one of: hubspot, airtable.",
        }
    ]


async def test_internal_routes_admit_the_named_services_alone(rig: Rig) -> None:
    path = "/internal/v1/connections/con_x/access-token"
    body = {"workspace_id": rig.workspace_id}

    assert (await rig.client().post(path, json=body)).status_code == 401
    assert (await (await rig.operator()).post(path, json=body)).status_code == 401
    assert (await rig.service("notifier").post(path, json=body)).status_code == 403
    assert (await rig.service("sync-runner").post(path, json=body)).status_code == 404


async def test_recipients_are_the_admins_where_the_owner_is_gone(rig: Rig) -> None:
    notifier = rig.service("notifier")
    path = f"/internal/v1/workspaces/{rig.workspace_id}/recipients"

    owned = await notifier.get(path, params={"owner_id": rig.person("viewer")["id"]})
    orphaned = await notifier.get(path, params={"owner_id": "op_gone"})

    assert [each["role"] for each in owned.json()["items"]] == ["viewer", "admin"]
    assert [each["role"] for each in orphaned.json()["items"]] == ["admin"]
