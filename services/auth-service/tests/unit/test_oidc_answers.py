"""An issuer that answers oddly cannot be asked just now: nobody's sign-in is to blame."""

from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from tablesync.auth_service.identity.oidc import OidcVerifier
from tablesync.service_kit.errors import DependencyUnavailableError

ISSUER = "https://issuer.test"
KEYS = f"{ISSUER}/keys"


@pytest.mark.parametrize("keys_url", [None, 3, "http://[", KEYS])
@pytest.mark.parametrize(
    "keys", [{}, [], "?", {"keys": None}, {"keys": 3}, {"keys": [3]}, {"keys": [{"kty": "RSA"}]}]
)
async def test_odd_keys_are_waited_for(keys_url: Any, keys: Any) -> None:
    answers = {
        f"{ISSUER}/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": keys_url},
        KEYS: keys,
    }

    def answer(request: httpx.Request) -> httpx.Response:
        found = str(request.url) in answers
        return httpx.Response(200 if found else 404, json=answers.get(str(request.url)))

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    verifier = OidcVerifier(ISSUER, "tablesync", http)

    with pytest.raises(DependencyUnavailableError):
        await verifier.person_of(SecretStr("e30.e30.e30"))
