"""auth-service may be of another version, or away behind a proxy, which has a voice of its own."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tablesync.contracts import ConnectionEvent
from tablesync.contracts.internal_api import (
    BODIES,
    CONNECTION_NOT_CONNECTED,
    STATES_LIMIT,
    Verdict,
)
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.http import problems
from tablesync.service_kit.http.answers import UNREADABLE_ITEMS
from tablesync.service_kit.http.problems import NOT_FOUND, problem_uri
from tablesync.sync_runner.clients.auth_service import AuthServiceClient
from tablesync.sync_runner.errors import ConnectionLostError

A_MINUTE = {"Date": "Wed, 21 Oct 2026 07:27:00 GMT", "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
PASSED = {"Date": "Wed, 21 Oct 2026 07:29:00 GMT", "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
NOT_CONNECTED = {"type": problem_uri(CONNECTION_NOT_CONNECTED)}
NOT_KNOWN = {"type": problem_uri(NOT_FOUND)}
Answer = Callable[[httpx.Request], httpx.Response]


def example(body: str) -> dict[str, Any]:
    """Return the contract's own example of a body."""
    extra = BODIES[body].model_config["json_schema_extra"]
    assert isinstance(extra, dict)
    shown: Any = extra["examples"]
    return dict(shown[0])


def client_of(answer: Answer) -> AuthServiceClient:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://auth-service")
    return AuthServiceClient(http)


def always(status: int, body: Any) -> AuthServiceClient:
    return client_of(lambda _: httpx.Response(status, json=body))


async def states(client: AuthServiceClient) -> list[ConnectionEvent]:
    return [each async for page in client.connection_states() for each in page]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (A_MINUTE, 60.0),
        (PASSED, 1.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "soon"}, 1.0),
        ({}, 1.0),
    ],
)
async def test_a_proxys_503_is_waited_out(headers: dict[str, str], seconds: float) -> None:
    page = "<html>503 Service Unavailable</html>"
    client = client_of(lambda _: httpx.Response(503, text=page, headers=headers))
    for ask in (
        client.grant("con_1", "ws_1"),
        client.report("con_1", "ws_1", 1, 401),
        states(client),
    ):
        with pytest.raises(DependencyUnavailableError) as raised:
            await ask
        assert raised.value.retry_after == seconds


@pytest.mark.parametrize("body", [None, [], "?", {"token": "t"}])
async def test_an_answer_that_is_not_understood_is_waited_out(body: Any) -> None:
    client = always(200, body)
    for ask in (
        client.grant("con_1", "ws_1"),
        client.report("con_1", "ws_1", 1, 401),
        states(client),
    ):
        with pytest.raises(DependencyUnavailableError):
            await ask


async def test_a_grant_is_shown_without_its_token() -> None:
    answer = example("AccessTokenAnswer")
    grant = await always(200, answer).grant("con_1", "ws_1")
    assert (grant.token, grant.version) == (answer["token"], answer["grant_version"])
    assert answer["token"] not in repr(grant)


async def test_a_verdict_that_is_not_known_yet_is_inconclusive() -> None:
    newer = {"verdict": "put_on_probation", "grant_version": 3, "until": "tomorrow"}
    ruling = await always(200, newer).report("con_1", "ws_1", 3, 401)
    assert ruling.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ({"cause": "app_uninstalled", "connection_status": "revoked"}, "app_uninstalled"),
        ({"cause": "not_known_yet", "connection_status": "revoked"}, "revoked"),
        ({}, "unknown"),
    ],
)
async def test_a_refusal_says_why_as_far_as_it_is_understood(
    members: dict[str, str], shown: str
) -> None:
    with pytest.raises(ConnectionLostError) as refused:
        await always(409, NOT_CONNECTED | members).grant("con_1", "ws_1")
    assert refused.value.summary == f"The connection is not connected: {shown}."
    assert refused.value.details.connection_id == refused.value.connection_id == "con_1"


async def test_a_connection_that_nobody_knows_is_lost() -> None:
    with pytest.raises(ConnectionLostError):
        await always(404, NOT_KNOWN).grant("con_1", "ws_1")
    ruling = await always(404, NOT_KNOWN).report("con_1", "ws_1", 3, 401)
    assert ruling.verdict is Verdict.REVOKED


async def nginx(request: httpx.Request) -> httpx.Response:
    page = "<html><head><title>404 Not Found</title></head><body><hr>nginx</body></html>"
    return httpx.Response(404, html=page)


async def conflict(request: httpx.Request) -> httpx.Response:
    return httpx.Response(409, html="<html>409 Conflict</html>")


async def default_backend(request: httpx.Request) -> httpx.Response:
    return httpx.Response(404, json="default backend")


def another_service() -> httpx.ASGITransport:
    """Make a service of ours that has no such route: of another kind, or of an older version."""
    app = FastAPI()
    problems.install(app)
    return httpx.ASGITransport(app=app)


@pytest.mark.parametrize(
    "upstream",
    [*map(httpx.MockTransport, (nginx, conflict, default_backend)), another_service()],
    ids=["nginx", "conflict", "ingress", "another service"],
)
async def test_a_wrong_upstreams_refusal_says_nothing_of_a_connection(
    upstream: httpx.AsyncBaseTransport,
) -> None:
    """An ingress without a backend answers 404 as well: nobody loses a connection by it."""
    http = httpx.AsyncClient(transport=upstream, base_url="http://auth-service")
    client = AuthServiceClient(http)
    with pytest.raises(DependencyUnavailableError):
        await client.grant("con_1", "ws_1")
    with pytest.raises(DependencyUnavailableError):
        await client.report("con_1", "ws_1", 3, 401)
    with pytest.raises(DependencyUnavailableError):
        await states(client)


@pytest.mark.parametrize("wait", [-5.0, "NaN", "soon"])
async def test_a_time_that_nobody_can_wait_for_counts_as_none(wait: object) -> None:
    answer = {"verdict": "inconclusive", "grant_version": 3, "retry_after": wait}
    ruling = await always(200, answer).report("con_1", "ws_1", 3, 401)
    assert ruling.verdict is Verdict.INCONCLUSIVE
    assert ruling.retry_after is None


def state(sequence: int, **changes: object) -> dict[str, Any]:
    shown: dict[str, Any] = example("ConnectionStates")["items"][0]
    return shown | {"sequence": sequence, "connection_id": f"con_{sequence}"} | changes


def serving(all_states: Sequence[dict[str, Any]], asked: list[int]) -> Answer:
    """Answer with pages, as auth-service does."""

    def answer(request: httpx.Request) -> httpx.Response:
        since = int(request.url.params["since_sequence"])
        asked.append(since)
        later = [each for each in all_states if each["sequence"] > since]
        return httpx.Response(200, json={"items": later[:STATES_LIMIT]})

    return answer


async def test_a_state_that_cannot_be_read_spoils_only_itself() -> None:
    dropped = UNREADABLE_ITEMS.labels(AuthServiceClient.name, "ConnectionStates")._value
    before = dropped.get()
    known = [state(1), state(2, provider="of next year"), state(3)]
    found = await states(client_of(serving(known, [])))
    assert [each.sequence for each in found] == [1, 3]
    assert dropped.get() == before + 1


async def test_states_are_read_page_by_page_to_their_end() -> None:
    asked: list[int] = []
    known = [state(each) for each in range(1, 2 * STATES_LIMIT + 6)]
    known[STATES_LIMIT - 1]["provider"] = "of next year"  # the one by which the next page begins
    found = await states(client_of(serving(known, asked)))
    assert len(found) == 2 * STATES_LIMIT + 4
    assert asked == [0, STATES_LIMIT, 2 * STATES_LIMIT]
