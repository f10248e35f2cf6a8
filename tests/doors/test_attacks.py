"""Cheap attacks of somebody without a token, each held against what one request may cost."""

import asyncio
import contextlib
import gzip
import re
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable

import pytest
from tablesync.service_kit.http.bodies import PUBLIC_BYTES
from tablesync.service_kit.process import HEAD_BYTES

from .running import RECEIVE_SECONDS, Running, costs_next_to_nothing, problem

pytestmark = pytest.mark.unit

MEGABYTE = 1024 * 1024
ROUTES = {
    "auth-service": "POST /v1/tokens",
    "scheduler": "POST /v1/syncs",
    "sync-runner": "POST /v1/dlq/sync-requests/1/replay",
    "notifier": "PATCH /v1/preferences",
}
BOMB = zlib.compress(b"0" * 10 * MEGABYTE)


def head(start: str, *lines: str) -> bytes:
    return "\r\n".join([f"{start} HTTP/1.1", "Host: tablesync", *lines, "", ""]).encode()


async def status_of(service: Running, *sent: bytes) -> int | None:
    """Return the status of the answer to these bytes; None if the connection is closed over it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    sending = asyncio.create_task(_send(writer, sent))
    try:
        async with asyncio.timeout(60):
            line = await reader.readline()
            await reader.read()
    except ConnectionError:
        return None
    finally:
        sending.cancel()
        writer.close()
    return int(line.split()[1]) if line else None


async def _send(writer: asyncio.StreamWriter, sent: Iterable[bytes]) -> None:
    with contextlib.suppress(ConnectionError):
        for each in sent:
            writer.write(each)
            await writer.drain()


async def costs_little(service: Running, *sent: bytes, statuses: set[int | None]) -> None:
    async def ask() -> None:
        assert await status_of(service, *sent) in statuses

    await costs_next_to_nothing(service, ask)


def filled(text: str, size: int = HEAD_BYTES - 500) -> str:
    """Repeat a text until, with the little that has to stand beside it, a head is full."""
    return text * (size // len(text))


def asking(path: str, *lines: str) -> bytes:
    return head(f"GET {path}", *lines, "Connection: close")


DEEP = b'{"alg":"Ed25519","kid":"auth-service","a":' + b"[" * 9_000
PARENT = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
QUOTES = filled('\\"')
HEADS = {
    "many headers": asking("/nowhere", *["a: b"] * (len(filled("a: b\r\n")) // 6)),
    "many cookies": asking("/nowhere", "Cookie: " + filled("a=b; ")),
    "many cookie headers": asking("/healthz", *['Cookie: a="' + '\\"' * 240 + '"'] * 31),
    "a cookie of quotes": asking("/healthz", f'Cookie: a="{QUOTES}"'),
    "a cookie that ends in quotes": asking("/healthz", f'Cookie: a="b{QUOTES}"'),
    "a cookie of backslashes": asking("/healthz", f'Cookie: a="{filled(chr(92))}"'),
    "a cookie in octal": asking("/healthz", f'Cookie: a="{filled(chr(92) + "101")}"'),
    "cookies without names": asking("/healthz", "Cookie: " + filled("a;")),
    "many media types": asking("/nowhere", "Accept: " + filled("a/b;q=0.1,")),
    "a blank media type": asking("/nowhere", f"Accept: a{filled(' ')}b"),
    "a long query": asking("/nowhere?" + filled("a=b&")),
    "a query for a route": asking("/v1/dlq?" + filled("a&")),
    "a query of separators": asking("/healthz?" + filled("&")),
    "a query of escapes": asking("/healthz?" + filled("%41")),
    "a long path": asking("/" + filled("%2e%2e/")),
    "a path of slashes": asking(filled("/")),
    "a path of bad UTF-8": asking("/" + filled("%c3")),
    "a path below a route": asking("/v1/dlq" + filled("/a")),
    "a long method": head(filled("A") + " /nowhere", "Connection: close"),
    "a folded header": asking("/v1/dlq", "a: b", *[" c"] * (len(filled(" c\r\n")) // 4)),
    "a long content type": asking("/v1/dlq", "Content-Type: application/json" + filled(";a=b")),
    "a quoted content type": asking("/v1/dlq", f'Content-Type: application/json;a="{QUOTES}"'),
    "a token of dots": asking("/v1/dlq", "Authorization: Bearer " + filled("a.")),
    "a token of blanks": asking("/v1/dlq", f"Authorization: Bearer {filled(' ')}a"),
    "a deep token": asking(
        "/v1/dlq", f"Authorization: Bearer {urlsafe_b64encode(DEEP).decode()}.e30.aa"
    ),
    "a long key": asking("/v1/dlq", "Idempotency-Key: " + filled("a")),
    "a long parent": asking("/v1/dlq", "traceparent: " + filled("0-")),
    "a long trace": asking("/v1/dlq", PARENT, "tracestate: " + filled("a=b,")),
    "much baggage": asking("/v1/dlq", PARENT, "baggage: " + filled("a=b,")),
    "much of a connection": asking("/v1/dlq", "Connection: " + filled("a,")),
    "a long range": asking("/v1/dlq", "Range: bytes=" + filled("0-,")),
}


@pytest.mark.parametrize("attack", HEADS)
async def test_p30_no_head_costs_more(service: Running, attack: str) -> None:
    assert len(HEADS[attack]) <= HEAD_BYTES
    await costs_little(service, HEADS[attack], statuses={200, 401, 404})


LONG_HEADS = {
    "a cookie": asking("/healthz", f'Cookie: a="{filled(chr(92) + chr(34), 56_000)}"'),
    "a query": asking("/healthz?" + filled("a&", 60_000)),
    "many headers": asking("/healthz", *["a:"] * 15_000),
    "a header": asking("/healthz", "a: " + "b" * (HEAD_BYTES + 1024)),
    "megabytes": asking("/healthz", "a: " + "b" * 5 * MEGABYTE),
}


@pytest.mark.parametrize("attack", LONG_HEADS)
async def test_p30_a_head_above_the_limit_is_told_so_unread(service: Running, attack: str) -> None:
    async def ask() -> None:
        answer = await service.send(LONG_HEADS[attack])
        assert (problem(answer), answer.closed) == ((431, "head-too-large"), True)
        assert f"{HEAD_BYTES} bytes" in answer.text

    await costs_next_to_nothing(service, ask)


async def test_p30_a_head_above_the_limit_that_follows_another_is_refused_as_well(
    service: Running,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(head("GET /healthz") + LONG_HEADS["many headers"])
    async with asyncio.timeout(60):
        answers = await reader.read()
    writer.close()
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"431"]


async def test_p30_no_trailers_cost_more(service: Running) -> None:
    lines = "Content-Type: application/json", "Transfer-Encoding: chunked", "Connection: close"
    trailers = b"0\r\n" + b"a:b\r\n" * 40_000 + b"\r\n"
    sent = head(ROUTES[service.name], *lines) + trailers
    await costs_little(service, sent, statuses={401, 431, None})


async def test_p21_what_is_no_http_is_answered_as_a_problem(service: Running) -> None:
    answer = await service.send(b"GET healthz\r\n\r\n")
    assert (problem(answer), answer.closed) == ((400, "invalid-request"), True)


BODIES = {
    "one byte a chunk": [b"1\r\n[\r\n" * PUBLIC_BYTES, b"0\r\n\r\n"],
    "a megabyte of them": [b"1\r\n[\r\n" * 10_000] * 17,
    "long extensions": [b"1;" + b"a" * 12_000 + b"\r\n \r\n"] * 80 + [b"0\r\n\r\n"],
}


@pytest.mark.parametrize("attack", BODIES)
async def test_p30_no_chunks_cost_more(service: Running, attack: str) -> None:
    lines = "Content-Type: application/json", "Transfer-Encoding: chunked", "Connection: close"
    sent = head(ROUTES[service.name], *lines), *BODIES[attack]
    await costs_little(service, *sent, statuses={400, 401, 422, None})


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "x-gzip", "gzip, gzip"])
async def test_p30_no_bomb_is_opened(service: Running, coding: str) -> None:
    body = (gzip.compress(b"0" * 10 * MEGABYTE) if "gzip" in coding else BOMB)[:PUBLIC_BYTES]
    lines = f"Content-Length: {len(body)}", f"Content-Encoding: {coding}", "Connection: close"
    sent = head(ROUTES[service.name], "Content-Type: application/json", *lines), body
    await costs_little(service, *sent, statuses={401, 415, None})


async def test_p30_a_form_of_100_000_fields_is_not_read(service: Running) -> None:
    body = b"a=b&" * 100_000
    lines = f"Content-Length: {len(body)}", "Connection: close"
    sent = head(ROUTES[service.name], "Content-Type: application/x-www-form-urlencoded", *lines)
    await costs_little(service, sent, body, statuses={401, 413, None})


AMBIGUOUS = {
    "two lengths": ["Content-Length: 2", "Content-Length: 3"],
    "the same length twice": ["Content-Length: 2", "Content-Length: 2"],
    "length and chunks": ["Content-Length: 2", "Transfer-Encoding: chunked"],
    "chunks twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    "an unknown coding": ["Transfer-Encoding: gzip, chunked"],
    "a huge length": ["Content-Length: " + "9" * 5_000],
    "a negative length": ["Content-Length: -1"],
}


@pytest.mark.parametrize("attack", AMBIGUOUS)
async def test_p30_a_body_of_unclear_length_is_refused(service: Running, attack: str) -> None:
    sent = head(ROUTES[service.name], *AMBIGUOUS[attack], "Connection: close"), b"{}"
    await costs_little(service, *sent, statuses={400, 401, 408, 415, None})


@pytest.mark.parametrize("drop", [b"X-Drop: 1\r\n", b"1\r\n \r\n"], ids=["headers", "body"])
async def test_p30_who_sends_a_drop_at_a_time_is_not_waited_for(
    auth_service: Running, drop: bytes
) -> None:
    """That something came is no reason to wait anew."""
    begun = b"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    begun += b"Content-Type: application/json\r\n\r\n" if drop.startswith(b"1") else b""
    reader, writer = await asyncio.open_connection("127.0.0.1", auth_service.port)

    async def dribble() -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(begun)
            while not writer.is_closing():
                writer.write(drop)
                await writer.drain()
                await asyncio.sleep(RECEIVE_SECONDS / 10)

    dripping = asyncio.create_task(dribble())
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(30):
            await reader.read()
    dripping.cancel()
    writer.close()
