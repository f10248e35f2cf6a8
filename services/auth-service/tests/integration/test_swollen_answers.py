"""What swells, or never ends, costs auth-service no memory, and nobody the time of its loop."""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from auth_service_rig import Start, answer_for
from tablesync.service_kit.http.client import MEGABYTE

PROCESS = Path("/proc/self")
SWOLLEN = 256


def bomb() -> bytes:
    """A kilobyte for each megabyte that comes out of it."""
    packing = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    zeros = bytes(MEGABYTE)
    return b"".join([*(packing.compress(zeros) for _ in range(SWOLLEN)), packing.flush()])


ANSWERS: dict[str, tuple[bytes, list[bytes]]] = {
    "a bomb": (b"Content-Encoding: gzip\r\n", [bomb()]),
    "endless": (b"", [b" " * MEGABYTE] * SWOLLEN),
}


@asynccontextmanager
async def answering(name: str) -> AsyncIterator[str]:
    """Serve this to every request."""
    header, pieces = ANSWERS[name]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + header + b"\r\n")
        try:
            for each in pieces:
                writer.write(each)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()


def begin_to_measure() -> None:
    (PROCESS / "clear_refs").write_text("5")


def peak_megabytes() -> int:
    """The most memory that this process has had since it was last begun to measure."""
    found = re.search(r"VmHWM:\s+(\d+) kB", (PROCESS / "status").read_text())
    assert found is not None
    return int(found[1]) // 1024


@pytest.mark.parametrize(
    ("provider", "setting"),
    [
        ("airtable", "AIRTABLE_API_URL"),
        ("airtable", "AIRTABLE_TOKEN_URL"),
        ("hubspot", "HUBSPOT_API_URL"),
    ],
)
@pytest.mark.parametrize("name", ANSWERS)
async def test_p30_no_answer_of_a_provider_costs_memory(
    start: Start, provider: str, setting: str, name: str
) -> None:
    async with answering(name) as url:
        rig = await start(**{setting: url})
        await rig.sandbox.answer(provider, **answer_for(provider, "7001"))
        begin_to_measure()
        before = peak_megabytes()
        attempt = await rig.authorize(provider)
        assert peak_megabytes() - before < SWOLLEN // 4
    assert attempt["finding"]["kind"] == "provider_unavailable"


@pytest.mark.parametrize("name", ANSWERS)
async def test_p30_no_answer_of_the_issuer_costs_memory(start: Start, name: str) -> None:
    async with answering(name) as url:
        rig = await start(AUTH_OIDC_ISSUER_URL=url)
        begin_to_measure()
        before = peak_megabytes()
        answer = await rig.client().post("/v1/tokens", json={"id_token": "e30.e30.e30"})
        assert peak_megabytes() - before < SWOLLEN // 4
    assert answer.status_code == 503
