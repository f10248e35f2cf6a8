"""HubSpot's OAuth server, used by Authlib's client."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client
from tablesync.test_kit import SandboxControl

REDIRECT = "http://localhost:9999/oauth/hubspot/callback"
SCOPE = "oauth crm.objects.contacts.read crm.objects.companies.read"
SECRETS = {"client_id": "sandbox-hubspot", "client_secret": "sandbox-hubspot-secret"}
VERIFIER = "v" * 64


def client(sandbox: SandboxControl, version: str = "v3") -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        **SECRETS,
        token_endpoint_auth_method="client_secret_post",
        scope=SCOPE,
        redirect_uri=REDIRECT,
        code_challenge_method="S256",
        token_endpoint=f"{sandbox.url}/hubspot/oauth/{version}/token",
    )


async def authorize(sandbox: SandboxControl, verifier: str | None = None) -> httpx.Response:
    async with client(sandbox) as oauth:
        url, _ = oauth.create_authorization_url(
            f"{sandbox.url}/hubspot/oauth/authorize", "some-state", code_verifier=verifier
        )
    async with httpx.AsyncClient() as browser:
        return await browser.get(url)


def code_of(response: httpx.Response) -> str:
    query = parse_qs(urlsplit(response.headers["location"]).query)
    assert query["state"] == ["some-state"]
    return query["code"][0]


async def connected(sandbox: SandboxControl, account: str = "7001") -> AsyncOAuth2Client:
    await sandbox.answer("hubspot", user="ada@acme.test", account=account, decision="allow")
    oauth = client(sandbox)
    await oauth.fetch_token(code=code_of(await authorize(sandbox)))
    return oauth


async def token(sandbox: SandboxControl, **form: str) -> httpx.Response:
    async with httpx.AsyncClient() as http:
        return await http.post(f"{sandbox.url}/hubspot/oauth/v3/token", data={**SECRETS, **form})


@pytest.mark.parametrize("version", ["v1", "v3", "2026-03", "2026-09"])
async def test_every_token_endpoint_exchanges(sandbox: SandboxControl, version: str):
    await sandbox.answer("hubspot", user="ada@acme.test", account="7002", decision="allow")
    async with client(sandbox, version) as oauth:
        got = await oauth.fetch_token(code=code_of(await authorize(sandbox)))
    assert got["token_type"] == "bearer"
    assert got["expires_in"] == 1800
    assert got["hub_id"] == 7002
    assert got["scopes"] == SCOPE.split()
    assert got["refresh_token"].startswith("na1-")


async def test_a_refresh_repeats_the_refresh_token_and_kills_nothing(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    old = dict(oauth.token)
    await oauth.refresh_token()
    assert oauth.token["refresh_token"] == old["refresh_token"]
    assert oauth.token["access_token"] != old["access_token"]
    async with httpx.AsyncClient() as http:
        for value in (old["access_token"], oauth.token["access_token"]):
            answer = await http.get(
                f"{sandbox.url}/hubspot/account-info/v3/details",
                headers={"authorization": f"Bearer {value}"},
            )
            assert answer.json()["portalId"] == 7001


async def test_uninstalling_kills_access_and_refresh(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    await sandbox.control("hubspot", "7001", "uninstall")
    answer = await oauth.get(f"{sandbox.url}/hubspot/crm/v3/objects/contacts")
    assert answer.status_code == 401
    refused = await token(
        sandbox, grant_type="refresh_token", refresh_token=oauth.token["refresh_token"]
    )
    text = "refresh token is invalid, expired or revoked"
    assert refused.status_code == 400
    assert refused.json() == {
        "status": "BAD_REFRESH_TOKEN",
        "message": text,
        "error": "invalid_grant",
        "error_description": text,
    }


async def test_a_deleted_portal_is_a_bad_hub(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    await sandbox.control("hubspot", "7001", "delete-portal")
    refused = await token(
        sandbox, grant_type="refresh_token", refresh_token=oauth.token["refresh_token"]
    )
    assert refused.json() == {
        "status": "BAD_HUB",
        "message": "missing or unknown hub id",
        "error": "access_denied",
    }


async def test_pkce_binds_the_exchange_when_it_is_used(sandbox: SandboxControl):
    await sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    exchange = {"grant_type": "authorization_code", "redirect_uri": REDIRECT}
    code = code_of(await authorize(sandbox, VERIFIER))
    wrong = await token(sandbox, **exchange, code=code, code_verifier="w" * 64)
    assert wrong.json()["status"] == "BAD_CODE_VERIFIER"
    burnt = await token(sandbox, **exchange, code=code, code_verifier=VERIFIER)
    assert burnt.json()["status"] == "BAD_AUTH_CODE"
    code = code_of(await authorize(sandbox, VERIFIER))
    right = await token(sandbox, **exchange, code=code, code_verifier=VERIFIER)
    assert right.status_code == 200


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "BAD_REFRESH_TOKEN"),
        ({"grant_type": "refresh_token", "client_id": "other"}, "BAD_CLIENT_ID"),
        ({"grant_type": "refresh_token", "client_secret": "wrong"}, "BAD_CLIENT_SECRET"),
        ({"grant_type": "authorization_code", "code": "x"}, "BAD_AUTH_CODE"),
    ],
)
async def test_refusals_carry_hubspots_status(sandbox: SandboxControl, form, status):
    refused = await token(sandbox, **form)
    assert refused.status_code == 400
    assert refused.json()["status"] == status


async def test_the_redirect_uri_has_to_be_the_same(sandbox: SandboxControl):
    await sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    refused = await token(
        sandbox,
        grant_type="authorization_code",
        code=code_of(await authorize(sandbox)),
        redirect_uri="http://localhost:1/other",
    )
    assert refused.json()["status"] == "BAD_REDIRECT_URI"


async def test_introspection_describes_live_tokens_only(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    url = f"{sandbox.url}/hubspot/oauth/2026-09/token/introspect"
    form = {**SECRETS, "token": oauth.token["access_token"]}
    async with httpx.AsyncClient() as http:
        live = (await http.post(url, data=form)).json()
        await sandbox.control("hubspot", "7001", "expire")
        dead = (await http.post(url, data=form)).json()
    assert (live["active"], live["hub_id"], live["user"]) == (True, 7001, "ada@acme.test")
    assert live["hub_domain"] == "acme.test"
    assert dead == {"active": False}


async def test_the_legacy_token_route_still_answers(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    url = f"{sandbox.url}/hubspot/oauth/v1/access-tokens"
    async with httpx.AsyncClient() as http:
        known = await http.get(f"{url}/{oauth.token['access_token']}")
        unknown = await http.get(f"{url}/nothing")
    assert known.json()["hub_id"] == 7001
    assert unknown.status_code == 404


async def test_the_app_can_uninstall_itself(sandbox: SandboxControl):
    oauth = await connected(sandbox)
    url = f"{sandbox.url}/hubspot/appinstalls/v3/external-install"
    assert (await oauth.delete(url)).status_code == 204
    assert (await oauth.get(f"{sandbox.url}/hubspot/crm/v3/owners")).status_code == 401


async def test_bob_lacks_the_right_to_connect(sandbox: SandboxControl):
    await sandbox.answer("hubspot", user="bob@acme.test", account="7001", decision="allow")
    page = await authorize(sandbox)
    assert page.status_code == 403
    assert "super admin" in page.text


async def test_scopes_have_to_agree_with_the_app(sandbox: SandboxControl):
    async with httpx.AsyncClient() as browser:
        page = await browser.get(
            f"{sandbox.url}/hubspot/oauth/authorize",
            params={"client_id": "sandbox-hubspot", "redirect_uri": REDIRECT, "scope": "oauth x"},
        )
    assert page.status_code == 400
    assert "scopes" in page.text


async def test_a_script_may_deny(sandbox: SandboxControl):
    await sandbox.answer("hubspot", user="ada@acme.test", decision="deny")
    assert "error=access_denied" in (await authorize(sandbox)).headers["location"]
