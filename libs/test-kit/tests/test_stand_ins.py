"""What every stand-in can do beside its routes: be away, be slow, and answer anything at all."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi.responses import JSONResponse, PlainTextResponse
from tablesync.contracts import ConnectionCause, ConnectionRevoked, ConnectionStatus, Provider
from tablesync.contracts.internal_api import (
    AccessTokenAnswer,
    AccessTokenRequest,
    AuthFailureReport,
    AuthFailureRuling,
    ConnectionStates,
    Verdict,
)
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit.services import InternalEdge, answer_of, problem_of
from tablesync.test_kit.stand_ins import AuthServiceStandIn, HeldConnection

pytestmark = pytest.mark.unit
TOKEN = "/connections/con_1/access-token"
WANTED = AccessTokenRequest(workspace_id="ws_1")
REFUSED = AuthFailureReport(workspace_id="ws_1", grant_version=1, status_code=401)


@pytest_asyncio.fixture
async def auth(service_keys: ServiceKeys) -> AsyncIterator[AuthServiceStandIn]:
    """A stand-in for auth-service with one connection."""
    async with AuthServiceStandIn(service_keys.trusted_keys_file) as stand_in:
        stand_in.connect("con_1", "ws_1", Provider.HUBSPOT)
        yield stand_in


@pytest_asyncio.fixture
async def edge(auth: AuthServiceStandIn, service_keys: ServiceKeys) -> AsyncIterator[InternalEdge]:
    """Its internal routes."""
    async with InternalEdge("auth-service", auth.url, service_keys) as edge:
        yield edge


async def test_it_notes_what_it_is_asked(auth: AuthServiceStandIn, edge: InternalEdge) -> None:
    await edge.post("sync-runner", TOKEN, WANTED)
    await edge.get("scheduler", "/connections", since_sequence=7)
    assert [each.method for each in auth.asked] == ["POST", "GET"]
    assert auth.asked[1].query == {"since_sequence": "7"}
    assert (auth.times("con_1", "access-token"), auth.times("con_2")) == (1, 0)


async def test_it_can_be_down_and_up_again(auth: AuthServiceStandIn, edge: InternalEdge) -> None:
    auth.down = True
    answer = await edge.post("sync-runner", TOKEN, WANTED)
    problem_of(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert auth.times("access-token") == 1, "who asks in vain has asked"
    auth.down = False
    answer_of(AccessTokenAnswer, await edge.post("sync-runner", TOKEN, WANTED))


async def test_it_can_stop_and_start_at_the_same_address(
    auth: AuthServiceStandIn, edge: InternalEdge
) -> None:
    url = auth.url
    await auth.stop()
    with pytest.raises(httpx.TransportError):
        await edge.post("sync-runner", TOKEN, WANTED)
    await auth.start()
    assert auth.url == url
    answer_of(AccessTokenAnswer, await edge.post("sync-runner", TOKEN, WANTED))


async def test_it_can_be_slow(auth: AuthServiceStandIn, edge: InternalEdge) -> None:
    auth.delay_seconds = 0.3
    began = time.monotonic()
    answer_of(AccessTokenAnswer, await edge.post("sync-runner", TOKEN, WANTED))
    assert time.monotonic() - began >= 0.3


async def test_it_can_answer_anything_once(auth: AuthServiceStandIn, edge: InternalEdge) -> None:
    auth.answer_with("/access-token", PlainTextResponse("<html>", 502), JSONResponse({}, 418))
    found = [(await edge.post("sync-runner", TOKEN, WANTED)).status_code for _ in range(3)]
    assert found == [502, 418, 200]


async def test_it_rules_as_it_is_told_and_then_that_a_grant_is_lost(
    auth: AuthServiceStandIn, edge: InternalEdge
) -> None:
    auth.verdicts.extend([Verdict.INCONCLUSIVE, Verdict.NOT_CONFIRMED])
    path = "/connections/con_1/auth-failures"
    rulings = [
        answer_of(AuthFailureRuling, await edge.post("sync-runner", path, REFUSED))
        for _ in range(3)
    ]
    assert [each.verdict for each in rulings] == ["inconclusive", "not_confirmed", "revoked"]
    held = auth.connections["con_1"]
    assert (held.status, held.cause) == (ConnectionStatus.REVOKED, ConnectionCause.APP_UNINSTALLED)
    assert [each.connection_id for each in auth.reports] == ["con_1"] * 3


async def test_a_test_can_make_its_tokens_and_act_before_a_ruling(
    auth: AuthServiceStandIn, edge: InternalEdge
) -> None:
    async def new_token(held: HeldConnection) -> str:
        return f"token-{held.version}"

    async def remove(held: HeldConnection) -> None:
        del auth.connections[held.id]

    auth.new_token = new_token
    await auth.reconnect("con_1")
    answer = answer_of(AccessTokenAnswer, await edge.post("sync-runner", TOKEN, WANTED))
    assert (answer.token, answer.grant_version) == ("token-1", 2)
    auth.on_report = remove
    report = REFUSED.model_copy(update={"grant_version": 2})
    gone = await edge.post("sync-runner", "/connections/con_1/auth-failures", report)
    problem_of(gone, 404, "not-found")


async def test_a_wrong_clock_moves_the_end_and_not_what_is_left(
    auth: AuthServiceStandIn, edge: InternalEdge
) -> None:
    true = answer_of(AccessTokenAnswer, await edge.post("sync-runner", TOKEN, WANTED))
    auth.clock_ahead_seconds = 3600
    wrong = answer_of(AccessTokenAnswer, await edge.post("sync-runner", TOKEN, WANTED))
    assert wrong.expires_in == true.expires_in
    assert (wrong.expires_at - true.expires_at).total_seconds() >= 3600


async def test_it_knows_a_connection_from_its_event(
    auth: AuthServiceStandIn, edge: InternalEdge
) -> None:
    auth.lose("con_1")
    event = auth.connections["con_1"].event(ConnectionRevoked)
    auth.connections.clear()
    auth.know(event)
    page = answer_of(ConnectionStates, await edge.get("notifier", "/connections"))
    assert [each.model_dump_json() for each in page.items] == [event.model_dump_json()]


async def test_states_of_one_moment_are_never_parted(
    auth: AuthServiceStandIn, edge: InternalEdge
) -> None:
    for each in ("con_2", "con_3"):
        auth.connect(each, "ws_1", Provider.HUBSPOT)
    moment = auth.connections["con_2"].sequence
    auth.connections["con_1"].sequence = moment
    page = answer_of(ConnectionStates, await edge.get("notifier", "/connections", limit=1))
    assert {each.connection_id for each in page.items} == {"con_1", "con_2"}
    assert page.next_since(0, 1) == moment


async def test_many_may_ask_at_once(auth: AuthServiceStandIn, edge: InternalEdge) -> None:
    answers = await asyncio.gather(*(edge.post("sync-runner", TOKEN, WANTED) for _ in range(50)))
    assert {each.status_code for each in answers} == {200}
