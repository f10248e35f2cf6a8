"""Airtable's OAuth server, used by Authlib's client."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from tablesync.test_kit import SandboxControl

REDIRECT = "http://127.0.0.1:9999/oauth/airtable/callback"
SCOPE = "data.records:read schema.bases:read user.email:read"
STATE = "a-state-that-is-long-enough"
VERIFIER = "v" * 64


def client(sandbox: SandboxControl, **settings) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        client_id="sandbox-airtable",
        client_secret="sandbox-airtable-secret",
        token_endpoint_auth_method="client_secret_basic",
        scope=SCOPE,
        redirect_uri=REDIRECT,
        code_challenge_method="S256",
        token_endpoint=f"{sandbox.url}/airtable/oauth2/v1/token",
        **settings,
    )


async def authorize(sandbox: SandboxControl, state: str = STATE, **changes) -> dict[str, str]:
    """Return the callback's parameters."""
    async with client(sandbox) as oauth:
        url, _ = oauth.create_authorization_url(
            f"{sandbox.url}/airtable/oauth2/v1/authorize", state, code_verifier=VERIFIER, **changes
        )
    async with httpx.AsyncClient() as browser:
        response = await browser.get(url)
    assert response.status_code == 302, response.text
    query = parse_qs(urlsplit(response.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


async def connected(sandbox: SandboxControl) -> AsyncOAuth2Client:
    await sandbox.answer("airtable", user="ada@acme.test", decision="allow", bases="all")
    code = (await authorize(sandbox))["code"]
    oauth = client(sandbox)
    await oauth.fetch_token(code=code, code_verifier=VERIFIER)
    return oauth


async def test_a_refresh_may_ask_for_fewer_scopes_and_the_next_for_all_again(
    sandbox: SandboxControl,
):
    oauth = await connected(sandbox)
    narrow = await oauth.refresh_token(
        f"{sandbox.url}/airtable/oauth2/v1/token", scope="schema.bases:read"
    )
    assert narrow["scope"] == "schema.bases:read"
    who = (await whoami(sandbox, narrow["access_token"])).json()
    assert who["scopes"] == ["schema.bases:read"]
    whole = await oauth.refresh_token(f"{sandbox.url}/airtable/oauth2/v1/token")
    assert whole["scope"] == SCOPE


async def whoami(sandbox: SandboxControl, access_token: str) -> httpx.Response:
    async with httpx.AsyncClient() as http:
        return await http.get(
            f"{sandbox.url}/airtable/v0/meta/whoami",
            headers={"authorization": f"Bearer {access_token}"},
        )


async def test_the_callback_echoes_state_and_challenge(sandbox: SandboxControl):
    await sandbox.answer("airtable", user="ada@acme.test", decision="allow")
    query = await authorize(sandbox)
    assert query["state"] == STATE
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43


async def test_exchange_gives_a_pair_that_works(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    assert oauth.token["expires_in"] == 3600
    assert oauth.token["refresh_expires_in"] == 5_184_000
    assert oauth.token["scope"] == SCOPE
    assert oauth.token["access_token"].startswith("oaa")
    assert oauth.token["refresh_token"].startswith("oar")
    answer = (await whoami(sandbox, oauth.token["access_token"])).json()
    assert answer["email"] == "ada@acme.test"


async def test_a_refresh_rotates_both_tokens_at_once(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    old = dict(oauth.token)
    await oauth.refresh_token()
    assert oauth.token["access_token"] != old["access_token"]
    assert oauth.token["refresh_token"] != old["refresh_token"]
    refused = await whoami(sandbox, old["access_token"])
    assert refused.status_code == 401
    assert refused.json() == {
        "error": {"type": "UNAUTHORIZED", "message": "Invalid authentication token"}
    }
    assert (await whoami(sandbox, oauth.token["access_token"])).status_code == 200
    assert (await sandbox.counters())["airtable"]["refreshes"] == 1


async def test_the_loser_of_a_race_gets_409_and_the_grant_lives(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    form = {"grant_type": "refresh_token", "refresh_token": oauth.token["refresh_token"]}
    async with httpx.AsyncClient(auth=("sandbox-airtable", "sandbox-airtable-secret")) as http:
        url = f"{sandbox.url}/airtable/oauth2/v1/token"
        answers = await asyncio.gather(*(http.post(url, data=form) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (await whoami(sandbox, winner["access_token"])).status_code == 200


async def test_reusing_a_consumed_refresh_token_revokes_the_whole_grant(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    old = oauth.token["refresh_token"]
    await oauth.refresh_token()
    await sandbox.control("airtable", "-", "end-races")
    with pytest.raises(OAuthError, match="invalid_grant"):
        await oauth.refresh_token(refresh_token=old)
    assert (await whoami(sandbox, oauth.token["access_token"])).status_code == 401
    with pytest.raises(OAuthError) as error:
        await oauth.refresh_token()
    assert error.value.description == "Token has been expired or revoked."


async def test_a_code_works_once_and_is_burnt_by_a_failure(sandbox: SandboxControl):
    await sandbox.answer("airtable", user="ada@acme.test", decision="allow")
    code = (await authorize(sandbox))["code"]
    async with client(sandbox) as oauth:
        with pytest.raises(OAuthError, match="invalid_grant"):
            await oauth.fetch_token(code=code, code_verifier="w" * 64)
        with pytest.raises(OAuthError, match="invalid_grant"):
            await oauth.fetch_token(code=code, code_verifier=VERIFIER)


async def test_only_basic_authentication_will_do(sandbox: SandboxControl):
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    secret = {"client_id": "sandbox-airtable", "client_secret": "sandbox-airtable-secret"}
    async with httpx.AsyncClient() as http:
        url = f"{sandbox.url}/airtable/oauth2/v1/token"
        in_body = await http.post(url, data={**form, **secret})
        differs = await http.post(
            url, data={**form, "client_id": "other"}, auth=tuple(secret.values())
        )
    assert (in_body.status_code, in_body.json()["error"]) == (401, "invalid_client")
    assert (differs.status_code, differs.json()["error"]) == (401, "invalid_client")


async def test_denial_comes_back_as_access_denied(sandbox: SandboxControl):
    await sandbox.answer("airtable", user="ada@acme.test", decision="deny")
    query = await authorize(sandbox)
    assert query["error"] == "access_denied"
    assert query["state"] == STATE


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"state": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_malformed_requests_go_back_with_an_error(sandbox: SandboxControl, changes, error):
    query = {
        "client_id": "sandbox-airtable",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": SCOPE,
        "state": STATE,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
        **changes,
    }
    async with httpx.AsyncClient() as browser:
        response = await browser.get(f"{sandbox.url}/airtable/oauth2/v1/authorize", params=query)
    assert f"error={error}" in response.headers["location"]


async def test_an_unregistered_redirect_uri_sends_nobody_back(sandbox: SandboxControl):
    query = {"client_id": "sandbox-airtable", "redirect_uri": "https://evil.example/callback"}
    async with httpx.AsyncClient() as browser:
        response = await browser.get(f"{sandbox.url}/airtable/oauth2/v1/authorize", params=query)
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_expired_access_is_refreshed(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    await sandbox.control("airtable", "ada@acme.test", "expire")
    assert (await whoami(sandbox, oauth.token["access_token"])).status_code == 401
    await oauth.refresh_token()
    assert (await whoami(sandbox, oauth.token["access_token"])).status_code == 200


@pytest.mark.parametrize("action", ["revoke", "change-password"])
async def test_a_lost_grant_is_dead_for_good(sandbox: SandboxControl, action: str):
    oauth = await connected(sandbox)
    await sandbox.control("airtable", "ada@acme.test", action)
    assert (await whoami(sandbox, oauth.token["access_token"])).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        await oauth.refresh_token()


async def test_picked_bases_bound_the_grant(sandbox: SandboxControl):
    picked = (await sandbox.bases())["bases"][1]["id"]
    await sandbox.answer("airtable", user="ada@acme.test", decision="allow", bases=[picked])
    code = (await authorize(sandbox))["code"]
    async with client(sandbox) as oauth:
        await oauth.fetch_token(code=code, code_verifier=VERIFIER)
        answer = await oauth.get(f"{sandbox.url}/airtable/v0/meta/bases")
    assert [base["id"] for base in answer.json()["bases"]] == [picked]


async def test_an_answer_is_used_as_often_as_told(sandbox: SandboxControl):
    await sandbox.answer("airtable", user="ada@acme.test", decision="allow", times=1)
    await authorize(sandbox)
    query = {
        "client_id": "sandbox-airtable",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": SCOPE,
        "state": STATE,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    async with httpx.AsyncClient() as browser:
        page = await browser.get(f"{sandbox.url}/airtable/oauth2/v1/authorize", params=query)
    assert page.status_code == 200
    assert "Who are you?" in page.text


async def test_a_refresh_whose_answer_is_lost_has_still_rotated(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    old = dict(oauth.token)
    await sandbox.control(
        "airtable", "-", "break", status=0, count=1, path_contains="/token", performed=True
    )
    with pytest.raises(httpx.TransportError):
        await oauth.refresh_token()
    assert (await whoami(sandbox, old["access_token"])).status_code == 401
    assert (await sandbox.counters())["airtable"]["refreshes"] == 1
