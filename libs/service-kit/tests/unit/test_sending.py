"""What surely was not sent, and a last look right before something is: over real connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport
from tablesync.service_kit.http.client import LastLook, never_sent, new_client, new_transport
from tablesync.test_kit import eventually, free_port

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """A server that says these bytes to a request, and hangs up; it keeps what it was sent."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.received = b""
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not self.received.endswith(b"body=1") and (some := await reader.read(4096)):
            self.received += some
        if self.answer is None:
            await self.closed.wait()
        else:
            writer.write(self.answer)
        writer.close()


@asynccontextmanager
async def serving(answer: bytes | None) -> AsyncIterator[tuple[Server, str]]:
    server, port = Server(answer), free_port()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", port)
    try:
        yield server, f"http://127.0.0.1:{port}"
    finally:
        server.closed.set()
        listening.close()


async def error_of(url: str, **options: float) -> httpx.TransportError:
    async with new_client(**options) as client:
        with pytest.raises(httpx.TransportError) as raised:
            await client.post(url, data={"body": 1})
    return raised.value


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
async def test_a_connection_that_ends_after_the_request_proves_nothing(answer: bytes) -> None:
    async with serving(answer) as (server, url):
        error = await error_of(url)
    assert b"body=1" in server.received
    assert not never_sent(error)
    # Whoever knows nothing but httpx is not told otherwise.
    assert not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"\x00\xff\x16\x03\x01",
        b"HTTP/1.1 99 what\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=lambda answer: repr(answer[:30]),
)
async def test_an_answer_that_is_no_http_is_a_transport_error_and_proves_nothing(
    answer: bytes,
) -> None:
    async with serving(answer) as (server, url):
        error = await error_of(url)
    assert b"body=1" in server.received
    assert not never_sent(error)


async def test_an_answer_that_does_not_come_proves_nothing() -> None:
    async with serving(None) as (server, url):
        error = await error_of(url, total_seconds=1.0)
    assert b"body=1" in server.received
    assert not never_sent(error)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://nowhere.invalid"])
async def test_what_found_no_connection_was_never_sent(url: str) -> None:
    assert never_sent(await error_of(url.format(port=free_port())))


async def test_what_waited_for_a_place_in_the_pool_was_never_sent() -> None:
    one = AiohttpTransport(limits=httpx.Limits(max_connections=1))
    client = httpx.AsyncClient(transport=one, timeout=0.5)
    async with serving(None) as (server, url), client:
        first = asyncio.create_task(client.post(url, data={"body": 1}, timeout=10))
        await eventually(lambda: b"body=1" in server.received)
        with pytest.raises(httpx.TransportError) as raised:
            await client.post(url, data={"body": 2})
        first.cancel()
    assert never_sent(raised.value)
    assert b"body=2" not in server.received


async def post_if(may_go: Callable[[], bool], url: str) -> httpx.Response:
    transport = new_transport()
    async with httpx.AsyncClient(transport=LastLook(transport, may_go)) as client:
        try:
            return await client.post(url, data={"body": 1})
        finally:
            await transport.aclose()


async def test_a_last_look_lets_a_request_go() -> None:
    async with serving(ANSWER) as (server, url):
        answer = await post_if(lambda: True, url)
    assert answer.json() == {}
    head, _, body = server.received.lower().partition(b"\r\n\r\n")
    assert (body, b"content-length: 6" in head, b"chunked" in head) == (b"body=1", True, False)


async def test_a_last_look_withholds_every_byte() -> None:
    async with serving(ANSWER) as (server, url):
        with pytest.raises(httpx.TransportError) as raised:
            await post_if(lambda: False, url)
    assert never_sent(raised.value)
    assert server.received == b""


async def test_a_cookie_that_one_call_was_given_is_not_sent_with_the_next() -> None:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: account=1; Path=/\r\nConnection: close\r\n"
    answer = head + b"Content-Length: 2\r\n\r\n{}"
    async with serving(answer) as (server, url), new_client() as client:
        for _ in range(2):
            server.received = b""
            told = await client.post(url, data={"body": 1})
            assert told.headers["Set-Cookie"] == "account=1; Path=/"
            assert b"cookie" not in server.received.lower()
