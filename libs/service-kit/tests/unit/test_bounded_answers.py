"""No server makes a client of ours read or unpack more than an answer may be, or wait for it."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from itertools import chain, repeat

import httpx
import pytest
from tablesync.service_kit.http.client import (
    ANSWER_BYTES,
    MEGABYTE,
    BadPackingError,
    TooManyBytesError,
    new_client,
    new_transport,
)

SAID = b'{"said": "' + b"x" * 1_000 + b'"}'


class Server:
    """A server that goes on saying these pieces to any request until it is hung up on."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.heard = b""
        self.sent = 0
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard = await reader.readuntil(b"\r\n\r\n")
        try:
            for each in self._pieces:
                writer.write(each)
                await writer.drain()
                self.sent += len(each)
        except ConnectionError:
            pass
        self.left.set()
        writer.close()


@asynccontextmanager
async def saying(pieces: Iterable[bytes], *headers: bytes) -> AsyncIterator[tuple[Server, str]]:
    """Serve these pieces as one answer with these headers, which ends where the pieces do."""
    head = b"\r\n".join([b"HTTP/1.1 200 OK", b"Connection: close", *headers, b"", b""])
    server = Server(chain([head], pieces))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    try:
        yield server, f"http://{host}:{port}"
    finally:
        listening.close()


GZIP = b"Content-Encoding: gzip"
# Without the time: a test is called by its case, the same in each process.
gzipped = partial(gzip.compress, mtime=0)
BOMB = gzipped(bytes(64 * MEGABYTE), 9)


def stutter() -> Iterable[bytes]:
    """A packing that goes on for ever, and out of which nothing ever comes."""
    packing = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    yield packing.compress(b"x") + packing.flush(zlib.Z_SYNC_FLUSH)
    yield from repeat(b"\x00\x00\x00\xff\xff" * 10_000)


@pytest.mark.parametrize(
    ("pieces", "headers"),
    [
        (repeat(b" " * MEGABYTE), []),
        (
            [b"%x\r\n" % (8 * MEGABYTE), *repeat(b" " * MEGABYTE, 8)],
            [b"Transfer-Encoding: chunked"],
        ),
        (repeat(b" " * MEGABYTE), [b"Content-Length: 99999999999"]),
        ([BOMB], [GZIP]),
        ([gzipped(SAID), *repeat(b"x" * 4_096, 100_000)], [GZIP]),
        (stutter(), [GZIP]),
    ],
    ids=["endless", "one chunk", "a long one", "a bomb", "more behind the packing", "a stutter"],
)
async def test_p30_an_answer_is_read_no_further_than_it_may_go(
    pieces: Iterable[bytes], headers: list[bytes]
) -> None:
    async with saying(pieces, *headers) as (server, url), new_client(answer_bytes=MEGABYTE) as http:
        with pytest.raises(TooManyBytesError, match="more than 1 MB at once"):
            await http.get(url)
        await asyncio.wait_for(server.left.wait(), 30)
    assert server.sent < 16 * MEGABYTE, "what lay in sockets, and no more"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzipped(BOMB), b"gzip, gzip"),
        (zlib.compress(SAID), b"deflate"),
        (SAID, b"gzip"),
        (gzipped(SAID)[:-9], b"gzip"),
        (SAID, b"br"),
    ],
    ids=["a bomb in a bomb", "deflate", "no packing", "half of a packing", "unknown"],
)
async def test_p30_only_the_packing_that_was_asked_for_is_unpacked(
    body: bytes, encoding: bytes
) -> None:
    async with saying([body], b"Content-Encoding: " + encoding) as (_, url), new_client() as http:
        with pytest.raises(BadPackingError):
            await http.get(url)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (SAID, []),
        (SAID, [b"Content-Length: %d" % len(SAID)]),
        (SAID, [b"Content-Encoding: identity"]),
        (gzipped(SAID), [GZIP]),
        (gzipped(SAID), [b"Content-Encoding: X-Gzip"]),
        (gzipped(SAID), [GZIP, b"Content-Length: %d" % len(gzipped(SAID))]),
    ],
)
async def test_an_answer_that_fits_is_read_whole(body: bytes, headers: list[bytes]) -> None:
    async with saying([body], *headers) as (server, url), new_client() as http:
        answer = await http.get(url)
    assert answer.content == SAID
    assert answer.json()["said"]
    assert b"\r\naccept-encoding: gzip\r\n" in server.heard.lower()


async def test_an_answer_without_a_body_may_be_called_packed() -> None:
    async with saying([], GZIP, b"Content-Length: 0") as (_, url), new_client() as http:
        assert (await http.get(url)).content == b""


async def test_a_request_says_how_long_its_own_answer_may_be() -> None:
    pieces = [b" " * (3 * MEGABYTE)]
    async with saying(pieces) as (_, url), new_client(answer_bytes=MEGABYTE) as http:
        assert (
            len((await http.get(url, extensions={ANSWER_BYTES: 4 * MEGABYTE})).content) > MEGABYTE
        )


async def test_a_client_that_a_library_makes_is_bounded_by_its_transport() -> None:
    transport = new_transport(MEGABYTE)
    async with (
        saying([BOMB], GZIP) as (_, url),
        httpx.AsyncClient(transport=transport) as client,
    ):
        with pytest.raises(TooManyBytesError):
            await client.post(url, data={"grant_type": "refresh_token"})
