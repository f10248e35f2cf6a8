"""Sign-in: an API token is exchanged for a user token."""

from auth_service_rig import Rig


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
