"""OpenID Connect: checks an id token of the configured issuer."""

import asyncio
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import SecretStr
from tablesync.auth_service.identity.people import Person, named
from tablesync.service_kit import clock
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http.client import json_or_none
from tablesync.service_kit.http.service_auth import unauthorized

ALGORITHMS = ["Ed25519", "EdDSA", "ES256", "RS256"]
KEYS_KEPT_SECONDS = 300.0
SUSPECT_KEYS_KEPT_SECONDS = 5.0
LEEWAY_SECONDS = 30
DEADLINE_SECONDS = 10.0
# Some issuers say it as a word. One that never says it is believed, being the one configured.
VERIFIED = (True, "true")
ISSUER = "identity provider"


class OidcVerifier:
    """Knows the issuer's keys, read again when they are old or when a token names a new one.

    The setting may leave out the slash that an issuer's name ends with, or have one too many: id
    tokens have to say the name exactly as the issuer's own discovery document does.
    """

    def __init__(self, issuer: str, client_id: str, http: httpx.AsyncClient) -> None:
        self._issuer = self._called = issuer.rstrip("/")
        self._client_id = client_id
        self._http = http
        self._keys: KeySet | None = None
        self._read_at = 0.0

    async def person_of(self, id_token: SecretStr, nonce: str | None = None) -> Person:
        """Return whose token it is, by a verified e-mail address; raises Problem 401.

        With a nonce, the token has to be the answer to the sign-in that sent it.
        """
        try:
            decoded = jwt.decode(id_token.get_secret_value(), await self._key_set(), ALGORITHMS)
            registry = jwt.JWTClaimsRegistry(
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self._called},
                aud={"essential": True, "value": self._client_id},
                exp={"essential": True},
                email={"essential": True},
                nonce={"essential": True, "value": nonce} if nonce else {},
            )
            registry.validate(decoded.claims)
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            self._read_again_soon()
            raise unauthorized() from None
        if decoded.claims.get("email_verified", True) not in VERIFIED:
            raise unauthorized()
        try:
            return named(str(decoded.claims["email"]), decoded.claims.get("name"))
        except ValueError:
            raise unauthorized() from None

    def _read_again_soon(self) -> None:
        """The keys may have changed; bad tokens must not make us ask at every one, though."""
        soon = clock.seconds() - KEYS_KEPT_SECONDS + SUSPECT_KEYS_KEPT_SECONDS
        self._read_at = min(self._read_at, soon)

    async def _key_set(self) -> KeySet:
        if self._keys is None or clock.seconds() - self._read_at > KEYS_KEPT_SECONDS:
            discovery = await self._get(f"{self._issuer}/.well-known/openid-configuration")
            called = str(discovery.get("issuer"))
            if called.rstrip("/") != self._issuer:
                raise unauthorized()
            self._keys = _key_set_of(await self._get(str(discovery.get("jwks_uri"))))
            self._called = called
            self._read_at = clock.seconds()
        return self._keys

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                response = await self._http.get(url)
        except (TimeoutError, httpx.TransportError, httpx.InvalidURL, ValueError):  # or no address
            raise DependencyUnavailableError(ISSUER) from None
        body = json_or_none(response)
        if not response.is_success or not isinstance(body, dict):
            raise DependencyUnavailableError(ISSUER)
        return body


def _key_set_of(keys: dict[str, Any]) -> KeySet:
    """Read the issuer's keys; what is no key set is no fault of whoever signs in."""
    if not keys.get("keys"):
        raise DependencyUnavailableError(ISSUER)
    try:
        return KeySet.import_key_set(keys)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, LookupError, AttributeError):
        raise DependencyUnavailableError(ISSUER) from None
