"""Sign-in with an id token of the configured issuer."""

import pytest
from auth_service_rig import Rig, id_token
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import SandboxControl


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
