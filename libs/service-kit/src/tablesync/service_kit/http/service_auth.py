"""Service JWTs: each service signs with its own Ed25519 key, and says whom it calls."""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet, OKPKey
from tablesync.service_kit import clock
from tablesync.service_kit.http.problems import Problem

ALGORITHM = "Ed25519"
LIFETIME_SECONDS = 60
LEEWAY_SECONDS = 5
LONGEST_SECONDS = 3600  # no token that is checked here lives nearly as long
KEPT_TOKENS = 1_000
SERVICE_TOKEN = "service"  # noqa: S105 - a kind of token, not a token
USER_TOKEN = "user"  # noqa: S105
PERSON_TOKEN = "person"  # noqa: S105 - of somebody signed in, but to no workspace
USER_AUDIENCE = "tablesync"


class Signer:
    """Signs as one service."""

    def __init__(self, service: str, key: OKPKey) -> None:
        self._service = service
        self._key = key

    @classmethod
    def from_file(cls, service: str, path: Path) -> "Signer":
        """Read the service's private key, a PEM file."""
        return cls(service, OKPKey.import_key(path.read_bytes()))

    def sign(self, claims: dict[str, Any], lifetime_seconds: int) -> str:
        """Sign claims; issuer, id and times are added."""
        now = int(time.time())
        header = {"alg": ALGORITHM, "kid": self._service}
        times = {"iat": now, "exp": now + lifetime_seconds, "jti": uuid4().hex}
        claims = {"iss": self._service, **times, **claims}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])

    def service_token(self, audience: str) -> str:
        """Make a token with which to call `audience`."""
        return self.sign({"aud": audience, "use": SERVICE_TOKEN}, LIFETIME_SECONDS)


class ServiceAuth(httpx.Auth):
    """Adds a fresh service token to every request of a client."""

    def __init__(self, signer: Signer, audience: str) -> None:
        self._signer = signer
        self._audience = audience
        self._token = ""
        self._renew_at = 0.0

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign once per half lifetime."""
        if clock.seconds() >= self._renew_at:
            self._token = self._signer.service_token(self._audience)
            self._renew_at = clock.seconds() + LIFETIME_SECONDS / 2
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class Verifier:
    """Checks tokens against the trusted key set, for one audience."""

    def __init__(self, service: str, keys: KeySet) -> None:
        self._service = service
        # What raises is not kept, so nobody without a key can fill this.
        self._signed = lru_cache(KEPT_TOKENS)(partial(_signed, keys))

    @classmethod
    def from_file(cls, service: str, path: Path) -> "Verifier":
        """Read the trusted keys, a JWKS whose key ids are service names."""
        return cls(service, KeySet.import_key_set(json.loads(path.read_text("utf-8"))))

    def service_caller(self, token: str) -> str:
        """Return the calling service's name; raises Problem 401."""
        claims = self._claims(token, self._service, SERVICE_TOKEN)
        return str(claims["iss"])

    def user_claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a user JWT, which only auth-service issues; raises Problem 401."""
        return self._issued_claims(token, USER_TOKEN)

    def signed_in_claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a user JWT, or of one that is good for no workspace yet."""
        return self._issued_claims(token, USER_TOKEN, PERSON_TOKEN)

    def _issued_claims(self, token: str, *uses: str) -> dict[str, Any]:
        claims = self._claims(token, USER_AUDIENCE, *uses)
        if claims["iss"] != "auth-service":
            raise unauthorized()
        return claims

    def _claims(self, token: str, audience: str, *uses: str) -> dict[str, Any]:
        """Return the claims of a token for this audience; whoever signed it, odd ones are none."""
        try:
            signer, claims = self._signed(token)
            registry = jwt.JWTClaimsRegistry(
                leeway=LEEWAY_SECONDS,
                aud={"essential": True, "value": audience},
                use={"essential": True, "values": list(uses)},
                exp={"essential": True},
                iss={"essential": True, "value": signer},
            )
            registry.validate(claims)
        except ExpiredTokenError as error:
            raise unauthorized("This token has expired; get a new one.") from error
        except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise unauthorized() from error
        if claims["aud"] != audience or claims["exp"] > time.time() + LONGEST_SECONDS:
            raise unauthorized()
        return claims


def _signed(keys: KeySet, token: str) -> tuple[str, dict[str, Any]]:
    """Return who signed a token, and its claims, each of which is there once."""
    decoded = jwt.decode(token, keys, algorithms=[ALGORITHM])
    json.loads(urlsafe_b64decode(token.split(".")[1] + "=="), object_pairs_hook=_each_once)
    return decoded.header["kid"], decoded.claims


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a claim is there twice")


def unauthorized(detail: str = "This token is not valid here.") -> Problem:
    """Return the answer for a bad credential."""
    challenge = 'Bearer error="invalid_token"'
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": challenge})


def _no_token() -> Problem:
    """Return the answer for a request that brought no credential: RFC 6750 names no error."""
    detail = "A bearer token is required: send the header Authorization: Bearer <token>."
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


def bearer_token(headers: Mapping[str, str]) -> str:
    """Return the token that a request's headers hold; raises Problem 401."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _no_token()
    return token


class BearerToken(SecurityBase):
    """A FastAPI dependency that takes a JWT from a request, and its scheme in OpenAPI."""

    def __init__(self, scheme_name: str, description: str) -> None:
        self.scheme_name = scheme_name
        self.model = HTTPBearer(bearerFormat="JWT", description=description)

    async def __call__(self, request: Request) -> str:
        """Return the token; raises Problem 401."""
        return bearer_token(request.headers)


SERVICE_JWT = BearerToken("service_jwt", "What a service signs itself, for one audience.")


def callers(verifier: Verifier, *allowed: str) -> Callable[[str], Coroutine[Any, Any, str]]:
    """Make a FastAPI dependency that admits the named services and returns the caller's name."""

    async def dependency(token: str = Depends(SERVICE_JWT)) -> str:
        caller = verifier.service_caller(token)
        if caller not in allowed:
            raise Problem(403, "forbidden", f"{caller} may not call this route.")
        return caller

    return dependency
