"""What a caller without a token can cost a service, and which bodies no route takes.

Kafka and MongoDB are away: whoever has no token is answered before either would be asked.
"""

import asyncio
import gzip
import json

import pytest
from tablesync.service_kit.http.bodies import DEFAULT_BYTES, NESTING, PUBLIC_BYTES
from tablesync.service_kit.http.service_auth import Signer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue

from .running import RECEIVE_SECONDS, Running, costs_next_to_nothing, problem

pytestmark = pytest.mark.unit

MEGABYTE = b"[[]," + b"[]," * (1024 * 1024 // 3)
PRIVATE = {
    "auth-service": "POST /v1/members",
    "scheduler": "POST /v1/syncs",
    "sync-runner": "POST /v1/dlq/sync-requests/1/replay",
    "notifier": "PATCH /v1/preferences",
}
PUBLIC = "POST /v1/tokens"
# Bodies as large as anybody may send, of what costs most to read: begin, what is repeated, end.
MANY_NAMES = b",".join(b'"%x":0' % each for each in range(1_500))
FILLS = [
    (b"{" + MANY_NAMES, b" ", b"}"),
    (b"[", b"[],", b"[]]"),
    (b"[", b'{"a":0},', b"0]"),
    (b'{"api_token":"', b"\\u00e9", b'"'),
    (b'"', b'\\"', b""),
    (b"", b"[", b""),
    (b"", b"1", b""),
    (b'{"workspace_id":1', b"0", b".5e400}"),
]
WHO = Principal(operator_id="op_1", workspace_id="ws_1", role=OperatorRole.ADMIN, platform=True)


@pytest.mark.parametrize("form", ["chunked", "declared", "compressed"])
async def test_p30_a_body_without_a_token_costs_next_to_nothing(
    service: Running, form: str
) -> None:
    route, parts = PRIVATE[service.name], [MEGABYTE] * 30
    size = len(MEGABYTE) * 30 if form == "declared" else None
    headers = {}
    if form == "compressed":
        parts, headers = [gzip.compress(MEGABYTE * 30)], {"Content_Encoding": "gzip"}

    async def ask() -> None:
        answer = await service.send_json(route, *parts, size=size, **headers)
        assert (problem(answer), answer.closed) == ((401, "unauthorized"), True)

    await costs_next_to_nothing(service, ask)


@pytest.mark.parametrize(("begin", "repeated", "end"), FILLS, ids=range(len(FILLS)))
async def test_p30_no_body_that_anybody_may_send_costs_more(
    auth_service: Running, begin: bytes, repeated: bytes, end: bytes
) -> None:
    body = begin + repeated * ((PUBLIC_BYTES - len(begin + end)) // len(repeated)) + end

    async def ask() -> None:
        answer = await auth_service.send_json(PUBLIC, body, size=len(body))
        assert problem(answer)[0] in (400, 422)
        assert len(answer.text) <= 2 * PUBLIC_BYTES

    await costs_next_to_nothing(auth_service, ask)


@pytest.mark.parametrize("size", [None, PUBLIC_BYTES + 1])
async def test_p30_what_anybody_may_send_is_small(auth_service: Running, size: int | None) -> None:
    body = b" " * (PUBLIC_BYTES + 1)
    answer = await auth_service.send_json(PUBLIC, body, size=size)
    assert problem(answer) == (413, "body-too-large")
    assert f"{PUBLIC_BYTES} bytes" in answer.text


@pytest.mark.parametrize("size", [None, DEFAULT_BYTES + 1])
async def test_p30_a_token_does_not_open_the_door_to_large_bodies(
    auth_service: Running, size: int | None
) -> None:
    body, route = b" " * (DEFAULT_BYTES + 1), PRIVATE["auth-service"]
    answer = await auth_service.send_json(route, body, size=size, **signed_in(auth_service))
    assert problem(answer) == (413, "body-too-large")
    assert f"{DEFAULT_BYTES} bytes" in answer.text


@pytest.mark.parametrize(
    ("body", "more", "expected"),
    [
        (gzip.compress(b"{}"), {"Content_Encoding": "gzip"}, (415, "body-compressed")),
        (b"[" * (NESTING + 1) + b"]" * (NESTING + 1), {}, (422, "invalid-request")),
        (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, {}, (422, "invalid-request")),
        (b'{"name": ' + b"1" * 5_000 + b"}", {}, (400, "invalid-request")),
        (b'{"name": "\xff"}', {}, (400, "invalid-request")),
        (b"[" * 5_000, {}, (422, "invalid-request")),
    ],
    ids=["compressed", "deep list", "deep object", "digits", "no UTF-8", "unclosed"],
)
async def test_p21_an_odd_body_is_refused_with_the_remedy(
    auth_service: Running, body: bytes, more: dict[str, str], expected: tuple[int, str]
) -> None:
    answer = await auth_service.send_json(PUBLIC, body, size=len(body), **more)
    assert problem(answer) == expected
    assert json.loads(answer.text)["errors"][0]["field"] == "body"


async def test_p30_a_body_that_comes_too_slowly_is_not_waited_for(auth_service: Running) -> None:
    answer = await auth_service.send_json(PUBLIC, b"{", size=100)
    assert (problem(answer), answer.closed) == ((408, "body-too-slow"), True)


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_p30_headers_that_never_come_hold_no_connection(
    auth_service: Running, begun: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", auth_service.port)
    writer.write(begun)
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()


async def test_a_connection_stays_open_between_requests(auth_service: Running) -> None:
    """Longer than headers may take: idle is not slow."""
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", auth_service.port)
    for seconds in (2 * RECEIVE_SECONDS, 0):
        writer.write(head)
        assert b" 200 OK" in await reader.readuntil(b"}")
        await asyncio.sleep(seconds)
    writer.close()


async def test_p30_headers_have_a_limit(service: Running) -> None:
    many = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"a" * 100_000
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(many)
    assert (await reader.readline()).startswith(b"HTTP/1.1 431")
    writer.close()


@pytest.mark.parametrize("path", ["/healthz/", "/v1/dlq/", "/reconnect/token/", "/v1/syncs/"])
async def test_p30_no_answer_leads_to_where_the_host_header_says(
    service: Running, path: str
) -> None:
    answer = await service.send(f"GET {path} HTTP/1.1\r\nHost: evil.test\r\n\r\n".encode())
    assert problem(answer) in [(404, "no-such-route"), (401, "unauthorized")]
    assert "evil.test" not in repr(answer)


def signed_in(service: Running) -> dict[str, str]:
    signer = Signer.from_file("auth-service", service.keys.private_key_file("auth-service"))
    return {"Authorization": f"Bearer {issue(signer, WHO)}"}
