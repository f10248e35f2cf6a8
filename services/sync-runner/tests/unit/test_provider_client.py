"""P14: a request whose lease passes while it is on its way to the wire does not go out."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from tablesync.contracts import Account
from tablesync.service_kit import clock
from tablesync.service_kit.http.client import new_client
from tablesync.sync_runner.access.gates import Admission, Gate
from tablesync.sync_runner.access.grants import Grant
from tablesync.sync_runner.access.outcomes import Ok
from tablesync.sync_runner.access.provider_client import REQUEST_SECONDS, Call, ProviderClient
from tablesync.sync_runner.errors import LeaseLostError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Provider:
    """A provider that answers whatever it is sent, and keeps it."""

    def __init__(self) -> None:
        self.heard = b""
        self.connected = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear a connection out."""
        self.connected.set()
        while heard := await reader.read(65_536):
            self.heard += heard
            if b"the row" in self.heard:
                writer.write(OK)
                await writer.drain()
        writer.close()


class Auth:
    """auth-service, of which only a token is asked."""

    async def grant(self, connection_id: str, workspace_id: str) -> Grant:
        return Grant("token", 1, clock.seconds() + 600, Account(id="7001", name="Acme"))


class Lease:
    """What is left of a lease, each time that somebody looks at it."""

    def __init__(self, *looks: float) -> None:
        self.looks = list(looks)

    def seconds_left(self) -> float:
        """Look; raises LeaseLostError once nothing is left, and from then on."""
        if self.looks[0] <= 0:
            raise LeaseLostError("run_1")
        return self.looks.pop(0)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest_asyncio.fixture
async def http(provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with new_client(f"http://{host}:{port}") as http:
        yield http
    server.close()


def admission() -> Admission:
    async def on_lost(connection_id: str, version: int) -> None:
        """Nobody has to know."""

    gate = Gate(Auth(), "con_1", "ws_1", on_lost, patience_seconds=10)  # type: ignore[arg-type]
    return gate.admit(lambda _: None)


async def write(http: httpx.AsyncClient, lease: Lease) -> httpx.Response:
    client = ProviderClient(http, admission(), seconds_left=lease.seconds_left)
    rows = {"rows": "the row"}
    return await client.call(Call("POST", "/rows", [], lambda _: Ok(), lambda it: it, json=rows))


async def test_p14_a_write_goes_out_while_the_lease_lasts(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    lease = Lease(REQUEST_SECONDS, REQUEST_SECONDS)
    assert (await write(http, lease)).status_code == 200
    assert provider.heard.startswith(b"POST /rows")


async def test_p14_a_lease_that_passes_between_headers_and_body_lets_nothing_out(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    """The process may have slept in between: it is looked at once more, right before the bytes."""
    with pytest.raises(LeaseLostError):
        await write(http, Lease(REQUEST_SECONDS, 0))
    await asyncio.wait_for(provider.connected.wait(), 10)
    assert provider.heard == b""
