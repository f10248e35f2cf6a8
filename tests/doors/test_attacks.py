"""Cheap attacks of somebody without a token, each held against what one request may cost."""

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import Iterable

import pytest
from tablesync.service_kit.http.bodies import PUBLIC_BYTES

from .running import RECEIVE_SECONDS, Running, costs_next_to_nothing

pytestmark = pytest.mark.unit

HEAD_BYTES = 15_000
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


HEADS = {
    "many headers": head("GET /nowhere", *["a: b"] * (HEAD_BYTES // 6), "Connection: close"),
    "many cookies": head("GET /nowhere", "Cookie: " + "a=b; " * 2_900, "Connection: close"),
    "many media types": head("GET /nowhere", "Accept: " + "a/b," * 3_500, "Connection: close"),
    "a long query": head("GET /nowhere?" + "a=b&" * 3_500, "Connection: close"),
    "a long path": head("GET /" + "%2e%2e/" * 2_000, "Connection: close"),
}


@pytest.mark.parametrize("attack", HEADS)
async def test_p30_no_head_costs_more(service: Running, attack: str) -> None:
    await costs_little(service, HEADS[attack], statuses={401, 404})


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
