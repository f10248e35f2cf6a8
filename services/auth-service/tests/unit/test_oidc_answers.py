"""What an issuer may say: of its keys, and of the addresses that it vouches for."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from pydantic import SecretStr
from tablesync.auth_service.identity import oidc
from tablesync.auth_service.identity.oidc import OidcVerifier
from tablesync.auth_service.identity.people import named
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.problems import Problem

ISSUER = "https://issuer.test"
KEYS = f"{ISSUER}/keys"


KEY = OKPKey.generate_key("Ed25519", {"kid": "1"})


def verifier_told(
    keys: Any, keys_url: Any = KEYS, calls_itself: str = ISSUER, configured: str = ISSUER
) -> OidcVerifier:
    """Return a verifier whose issuer has these keys."""
    discovery = {"issuer": calls_itself, "jwks_uri": keys_url}
    answers = {f"{ISSUER}/.well-known/openid-configuration": discovery, KEYS: keys}

    def answer(request: httpx.Request) -> httpx.Response:
        found = str(request.url) in answers
        return httpx.Response(200 if found else 404, json=answers.get(str(request.url)))

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return OidcVerifier(configured, "tablesync", http)


def id_token(**more: Any) -> SecretStr:
    """Return a good id token of Ada's, with these claims as well."""
    claims = {"iss": ISSUER, "aud": "tablesync", "exp": int(time.time()) + 60}
    header = {"alg": "Ed25519", "kid": "1"}
    said = {**claims, "email": "ada@acme.test", "name": "Ada", **more}
    return SecretStr(jwt.encode(header, said, KEY, algorithms=["Ed25519"]))


@pytest.mark.parametrize("keys_url", [None, 3, "http://[", KEYS])
@pytest.mark.parametrize(
    "keys", [{}, [], "?", {"keys": None}, {"keys": 3}, {"keys": [3]}, {"keys": [{"kty": "RSA"}]}]
)
async def test_odd_keys_are_waited_for(keys_url: Any, keys: Any) -> None:
    """Nobody's sign-in is to blame for them."""
    with pytest.raises(DependencyUnavailableError):
        await verifier_told(keys, keys_url).person_of(SecretStr("e30.e30.e30"))


async def test_an_issuer_that_never_comes_to_an_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of its bytes comes in time."""
    monkeypatch.setattr(oidc, "DEADLINE_SECONDS", 0.2)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    slow = httpx.MockTransport(lambda _: httpx.Response(200, content=drip()))
    async with httpx.AsyncClient(transport=slow) as http:
        verifier = OidcVerifier(ISSUER, "tablesync", http)
        with pytest.raises(DependencyUnavailableError):
            await asyncio.wait_for(verifier.person_of(SecretStr("e30.e30.e30")), 30)


@pytest.mark.parametrize(
    ("said", "vouched_for"),
    [
        ({}, True),
        ({"email_verified": True}, True),
        ({"email_verified": "true"}, True),
        ({"email_verified": False}, False),
        ({"email_verified": "false"}, False),
        ({"email_verified": None}, False),
        ({"email_verified": ["true"]}, False),
    ],
)
async def test_an_address_that_the_issuer_does_not_vouch_for_signs_nobody_in(
    said: dict[str, Any], vouched_for: bool
) -> None:
    """Whoever could write another's address there would be in all workspaces of the other."""
    verifier = verifier_told({"keys": [KEY.as_dict(private=False)]})
    if vouched_for:
        assert (await verifier.person_of(id_token(**said))).email == "ada@acme.test"
    else:
        with pytest.raises(Problem, match="not valid"):
            await verifier.person_of(id_token(**said))


@pytest.mark.parametrize(
    "email",
    ["ad\u00ada@acme.test", "ada\ufe0f@acme.test", "ada@acme\u3164.test"],
)
async def test_p21_an_address_that_hides_a_character_signs_nobody_in(email: str) -> None:
    verifier = verifier_told({"keys": [KEY.as_dict(private=False)]})
    with pytest.raises(Problem, match="not valid") as refused:
        await verifier.person_of(id_token(email=email))
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("name", "shown"),
    [("A\u202eda\u200b", "Ada"), ("\u200b", "ada"), (None, "ada"), ("Zoë\n", "Zoë")],
)
def test_a_name_from_outside_is_cleaned_and_never_keeps_its_owner_out(
    name: str | None, shown: str
) -> None:
    assert named("ada@acme.test", name).name == shown


@pytest.mark.parametrize("configured", [ISSUER, f"{ISSUER}/"])
@pytest.mark.parametrize("calls_itself", [ISSUER, f"{ISSUER}/"])
async def test_an_issuers_name_may_end_with_a_slash(configured: str, calls_itself: str) -> None:
    """Auth0's does; its id tokens then say it with the slash, and whoever says else is another."""
    keys = {"keys": [KEY.as_dict(private=False)]}
    verifier = verifier_told(keys, calls_itself=calls_itself, configured=configured)
    assert (await verifier.person_of(id_token(iss=calls_itself))).email == "ada@acme.test"
    with pytest.raises(Problem, match="not valid"):
        await verifier.person_of(id_token(iss=f"{ISSUER}/another"))
