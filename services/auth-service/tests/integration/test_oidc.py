"""Sign-in with an id token of the configured issuer."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from auth_service_rig import Rig
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import SandboxControl

REDIRECT = "http://127.0.0.1:1/callback"


async def id_token(sandbox: SandboxControl, user: str, client_id: str = "tablesync") -> str:
    await sandbox.answer("oidc", user=user, decision="allow")
    query = {
        "client_id": client_id,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid email profile",
        "state": "s",
    }
    async with httpx.AsyncClient(base_url=f"{sandbox.url}/oidc") as client:
        answer = await client.get("/authorize", params=query)
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": client_id,
        }
        answer = await client.post("/token", data=form)
    return str(answer.raise_for_status().json()["id_token"])


async def test_an_id_token_is_exchanged_for_a_user_token(
    rig: Rig, sandbox: SandboxControl, service_keys: ServiceKeys
) -> None:
    token = await id_token(sandbox, "operator@example.test")

    answer = await rig.client().post("/v1/tokens", json={"id_token": token})

    assert answer.status_code == 200
    assert answer.json()["role"] == "operator"
    assert answer.json()["workspace_id"] == service_keys.bootstrap()["workspace"]["id"]


@pytest.mark.parametrize("kind", ["another audience", "tampered", "nonsense"])
async def test_a_wrong_id_token_is_refused(rig: Rig, sandbox: SandboxControl, kind: str) -> None:
    client_id = "somebody-else" if kind == "another audience" else "tablesync"
    token = await id_token(sandbox, "operator@example.test", client_id)
    if kind == "tampered":
        header, payload, signature = token.split(".")
        token = f"{header}.{payload}.{signature[:-8]}AAAAAAAA"

    sent = "nonsense" if kind == "nonsense" else token
    answer = await rig.client().post("/v1/tokens", json={"id_token": sent})

    assert answer.status_code == 401


async def test_an_id_token_opens_no_workspace_of_others(rig: Rig, sandbox: SandboxControl) -> None:
    token = await id_token(sandbox, "operator@example.test")
    body = {"id_token": token, "workspace_id": rig.workspace_id}

    assert (await rig.client().post("/v1/tokens", json=body)).status_code == 401
