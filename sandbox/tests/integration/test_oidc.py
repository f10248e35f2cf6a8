"""The OIDC issuer, used by Authlib's client and checked with joserfc."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet
from tablesync.test_kit import SandboxControl

REDIRECT = "http://127.0.0.1:9999/signed-in"
VERIFIER = "v" * 64


def client(**settings) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        client_id="dashboard",
        client_secret="secret",
        redirect_uri=REDIRECT,
        scope="openid email profile",
        code_challenge_method="S256",
        **settings,
    )


async def callback(http: httpx.AsyncClient, configuration: dict) -> dict[str, list[str]]:
    url, _ = client().create_authorization_url(
        configuration["authorization_endpoint"], "state", code_verifier=VERIFIER, nonce="n-1"
    )
    return parse_qs(urlsplit((await http.get(url)).headers["location"]).query)


@pytest.fixture
async def configuration(http: httpx.AsyncClient) -> dict:
    return (await http.get("/oidc/.well-known/openid-configuration")).json()


@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
async def test_a_person_signs_in(
    sandbox: SandboxControl, http: httpx.AsyncClient, configuration: dict, role: str
):
    await sandbox.answer("oidc", user=f"{role}@example.test", decision="allow")
    query = await callback(http, configuration)
    assert query["iss"] == [configuration["issuer"]]
    async with client() as oauth:
        got = await oauth.fetch_token(
            configuration["token_endpoint"], code=query["code"][0], code_verifier=VERIFIER
        )
        userinfo = (await oauth.get(configuration["userinfo_endpoint"])).json()
    keys = KeySet.import_key_set((await http.get(configuration["jwks_uri"])).json())
    algorithms = configuration["id_token_signing_alg_values_supported"]
    claims = jwt.decode(got["id_token"], keys, algorithms=algorithms).claims
    required = {
        "iss": {"essential": True, "value": configuration["issuer"]},
        "aud": {"essential": True, "value": "dashboard"},
        "nonce": {"essential": True, "value": "n-1"},
        "exp": {"essential": True},
    }
    jwt.JWTClaimsRegistry(**required).validate(claims)
    assert claims["email"] == userinfo["email"] == f"{role}@example.test"
    assert claims["sub"] == userinfo["sub"]


async def test_a_code_is_bound_to_its_verifier(
    sandbox: SandboxControl, http: httpx.AsyncClient, configuration: dict
):
    await sandbox.answer("oidc", user="admin@example.test", decision="allow")
    code = (await callback(http, configuration))["code"][0]
    async with client() as oauth:
        for verifier in ("w" * 64, VERIFIER):
            with pytest.raises(OAuthError, match="invalid_grant"):
                await oauth.fetch_token(
                    configuration["token_endpoint"], code=code, code_verifier=verifier
                )


async def test_a_person_picks_who_they_are_or_cancels(
    sandbox: SandboxControl, http: httpx.AsyncClient, configuration: dict
):
    query = {
        "client_id": "dashboard",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid",
        "state": "s",
    }
    page = await http.get("/oidc/authorize", params=query)
    assert 'data-testid="user-viewer@example.test"' in page.text
    back = await http.post("/oidc/authorize", params=query, data={"user": "viewer@example.test"})
    assert "code=" in back.headers["location"]
    back = await http.post("/oidc/authorize", params=query, data={"step": "cancel"})
    assert "error=access_denied" in back.headers["location"]


async def test_who_is_known_is_let_in_without_a_page_where_none_is_wanted(
    http: httpx.AsyncClient, configuration: dict
):
    query = {
        "client_id": "dashboard",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid",
        "prompt": "none",
        "login_hint": "viewer@example.test",
    }
    back = await http.get(configuration["authorization_endpoint"], params=query)
    assert "code=" in back.headers["location"]
    stranger = {**query, "login_hint": "nobody@example.test"}
    back = await http.get(configuration["authorization_endpoint"], params=stranger)
    assert "error=login_required" in back.headers["location"]


async def test_userinfo_needs_a_token(http: httpx.AsyncClient):
    assert (await http.get("/oidc/userinfo")).status_code == 401
