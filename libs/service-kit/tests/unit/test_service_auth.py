"""Service and user JWTs: only the right key, audience, use, caller and time are admitted."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import OctKey, OKPKey
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http import problems
from tablesync.service_kit.http.problems import Problem
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer, Verifier, callers
from tablesync.service_kit.http.user_auth import (
    OperatorRole,
    Principal,
    at_least,
    issue,
    platform_only,
)

WHO = Principal(operator_id="op_1", workspace_id="ws_1", role=OperatorRole.OPERATOR)


def signer(keys: ServiceKeys, service: str) -> Signer:
    return Signer.from_file(service, keys.private_key_file(service))


@pytest_asyncio.fixture
async def client(service_keys: ServiceKeys) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of auth-service with one route of each kind."""
    verifier = Verifier.from_file("auth-service", service_keys.trusted_keys_file)
    app = FastAPI()
    problems.install(app)

    sync_runner = Depends(callers(verifier, "sync-runner"))
    operator = Depends(at_least(verifier, OperatorRole.OPERATOR))
    platform = Depends(platform_only(verifier))

    @app.get("/internal/v1/token")
    async def token(caller: str = sync_runner) -> str:
        return caller

    @app.get("/v1/connections")
    async def connections(who: Principal = operator) -> Principal:
        return who

    @app.get("/v1/dlq")
    async def dlq(who: Principal = platform) -> Principal:
        return who

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://auth-service") as client:
        yield client


async def status(client: httpx.AsyncClient, path: str, token: str) -> int:
    answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


async def test_the_named_caller_is_admitted_with_a_fresh_token(client, service_keys) -> None:
    auth = ServiceAuth(signer(service_keys, "sync-runner"), "auth-service")
    answer = await client.get("/internal/v1/token", auth=auth)
    assert (answer.status_code, answer.json()) == (200, "sync-runner")


async def test_another_service_is_forbidden(client, service_keys) -> None:
    token = signer(service_keys, "notifier").service_token("auth-service")
    assert await status(client, "/internal/v1/token", token) == 403


async def test_a_token_for_another_audience_is_refused(client, service_keys) -> None:
    token = signer(service_keys, "sync-runner").service_token("scheduler")
    assert await status(client, "/internal/v1/token", token) == 401


async def test_an_expired_token_is_refused(client, service_keys) -> None:
    claims = {"aud": "auth-service", "use": "service"}
    token = signer(service_keys, "sync-runner").sign(claims, lifetime_seconds=-60)
    assert await status(client, "/internal/v1/token", token) == 401


async def test_a_missing_an_expired_and_a_wrong_token_are_told_apart(client, service_keys) -> None:
    """RFC 6750: the challenge names an error only where a token was sent."""
    expired = signer(service_keys, "auth-service").sign(
        {"aud": "tablesync", "use": "user"}, lifetime_seconds=-60
    )
    said = {}
    for name, headers in {
        "missing": {},
        "expired": {"Authorization": f"Bearer {expired}"},
        "wrong": {"Authorization": "Bearer nonsense"},
    }.items():
        answer = await client.get("/v1/connections", headers=headers)
        said[name] = (answer.json()["detail"], answer.headers["WWW-Authenticate"])
    invalid = 'Bearer error="invalid_token"'
    assert said == {
        "missing": (
            "A bearer token is required: send the header Authorization: Bearer <token>.",
            "Bearer",
        ),
        "expired": ("This token has expired; get a new one.", invalid),
        "wrong": ("This token is not valid here.", invalid),
    }


async def test_a_token_without_expiry_is_refused(client, service_keys) -> None:
    key = OKPKey.import_key(service_keys.private_key_file("sync-runner").read_bytes())
    claims = {"iss": "sync-runner", "aud": "auth-service", "use": "service"}
    header = {"alg": "Ed25519", "kid": "sync-runner"}
    token = jwt.encode(header, claims, key, algorithms=["Ed25519"])
    assert await status(client, "/internal/v1/token", token) == 401


async def test_a_service_cannot_speak_for_another(client, service_keys) -> None:
    """Its own key and key id, another's name: and another's key id, its own key."""
    claims = {"aud": "auth-service", "use": "service"}
    named = signer(service_keys, "notifier").sign({**claims, "iss": "sync-runner"}, 60)
    stolen = Signer(
        "sync-runner",
        OKPKey.import_key(service_keys.private_key_file("notifier").read_bytes()),
    ).sign(claims, 60)
    assert await status(client, "/internal/v1/token", named) == 401
    assert await status(client, "/internal/v1/token", stolen) == 401


async def test_other_algorithms_are_refused(client, service_keys) -> None:
    """`none`, and HMAC keyed with the public key that everyone has."""
    now = int(time.time())
    claims = {"iss": "sync-runner", "aud": "auth-service", "use": "service", "exp": now + 60}
    public = OctKey.import_key(service_keys.trusted_keys_file.read_bytes())
    hmac = jwt.encode({"alg": "HS256", "kid": "sync-runner"}, claims, public)
    none = "eyJhbGciOiJub25lIiwia2lkIjoic3luYy1ydW5uZXIifQ." + hmac.split(".")[1] + "."
    for token in (hmac, none):
        assert await status(client, "/internal/v1/token", token) == 401


async def test_a_user_token_opens_no_internal_route_and_the_reverse(client, service_keys) -> None:
    user = issue(signer(service_keys, "auth-service"), WHO)
    service = signer(service_keys, "sync-runner").service_token("auth-service")
    assert await status(client, "/internal/v1/token", user) == 401
    assert await status(client, "/v1/connections", service) == 401


async def test_only_auth_service_issues_user_tokens(client, service_keys) -> None:
    assert (
        await status(client, "/v1/connections", issue(signer(service_keys, "notifier"), WHO)) == 401
    )
    token = issue(signer(service_keys, "auth-service"), WHO)
    answer = await client.get("/v1/connections", headers={"Authorization": f"Bearer {token}"})
    assert Principal.model_validate(answer.json()) == WHO


@pytest.mark.parametrize(
    ("role", "platform", "connections", "dlq"),
    [
        (OperatorRole.VIEWER, False, 403, 403),
        (OperatorRole.OPERATOR, False, 200, 403),
        (OperatorRole.ADMIN, False, 200, 403),
        (OperatorRole.ADMIN, True, 200, 200),
    ],
)
async def test_roles(client, service_keys, role, platform, connections, dlq) -> None:
    who = WHO.model_copy(update={"role": role, "platform": platform})
    token = issue(signer(service_keys, "auth-service"), who)
    assert await status(client, "/v1/connections", token) == connections
    assert await status(client, "/v1/dlq", token) == dlq


async def test_no_token_is_a_problem_with_a_challenge(client) -> None:
    for headers in ({}, {"Authorization": "Basic b3A6"}, {"Authorization": "Bearer"}):
        answer = await client.get("/v1/connections", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


def signed(keys: ServiceKeys, payload: str) -> str:
    """Sign a payload as auth-service does, whatever is in it."""
    key = OKPKey.import_key(keys.private_key_file("auth-service").read_bytes())
    header = {"alg": "Ed25519", "kid": "auth-service"}
    return jws.serialize_compact(header, payload.encode(), key, algorithms=["Ed25519"])


GOOD = {
    "iss": "auth-service",
    "aud": "tablesync",
    "use": "user",
    "sub": "op_1",
    "ws": "ws_1",
    "role": "viewer",
    "platform": False,
}


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in GOOD.items() if name not in names}


def payloads() -> dict[str, str]:
    """Return claims that only whoever has the key could sign, and has no reason to."""
    soon = {"exp": int(time.time()) + 60}
    odd: dict[str, dict[str, object]] = {
        "no role": without("role") | soon,
        "no workspace": without("ws") | soon,
        "no operator": without("sub") | soon,
        "a role that is none": GOOD | soon | {"role": "owner"},
        "a role that is a list": GOOD | soon | {"role": ["admin"]},
        "a workspace that is an object": GOOD | soon | {"ws": {"$ne": ""}},
        "a workspace that is empty": GOOD | soon | {"ws": ""},
        "a workspace that is a path": GOOD | soon | {"ws": "../ws_1"},
        "platform by a word": GOOD | soon | {"platform": "yes"},
        "a list of audiences": GOOD | soon | {"aud": ["tablesync", "another"]},
        "an end in the far future": GOOD | {"exp": 10**30},
        "an end in a year": GOOD | {"exp": int(time.time()) + 365 * 86_400},
        "an end that is a word": GOOD | {"exp": "tomorrow"},
        "an end that is true": GOOD | {"exp": True},
    }
    good = json.dumps(GOOD | soon)
    return {name: json.dumps(claims) for name, claims in odd.items()} | {
        "a claim twice": good[:-1] + ', "role": "admin"}',
        "deep nesting": good[:-1] + ', "x": ' + "[" * 4_000 + "]" * 4_000 + "}",
        "a list": "[]",
        "a number of many digits": good[:-1] + ', "x": ' + "1" * 5_000 + "}",
    }


@pytest.mark.parametrize("odd", list(payloads()))
async def test_p30_odd_claims_are_refused_though_they_are_signed(client, service_keys, odd) -> None:
    assert await status(client, "/v1/connections", signed(service_keys, payloads()[odd])) == 401


async def test_a_header_that_is_nested_deeply_is_refused(client) -> None:
    header = '{"alg":"Ed25519","kid":' + "[" * 5_000 + "]" * 5_000 + "}"
    token = urlsafe_b64encode(header.encode()).decode().rstrip("=") + ".e30.AA"
    assert await status(client, "/v1/connections", token) == 401


PART = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["W10", "e30", "bnVsbA", "eyJhbGciOiJFZDI1NTE5In0", "eyJraWQiOlsxXX0"]),
)


@given(token=st.one_of(st.text(max_size=60), st.tuples(PART, PART, PART).map(".".join)))
def test_p21_no_token_whatever_raises_anything_but_401(
    service_keys: ServiceKeys, token: str
) -> None:
    verifier = Verifier.from_file("auth-service", service_keys.trusted_keys_file)
    for check in (verifier.service_caller, verifier.user_claims):
        with pytest.raises(Problem) as refused:
            check(token)
        assert refused.value.status == 401
