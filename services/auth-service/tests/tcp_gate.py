"""A way to a server that a test can shut: one process is then cut off, and others are not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tablesync.test_kit import free_port


class TcpGate:
    """Passes connections on to a port of this machine while it is open."""

    def __init__(self, to: int) -> None:
        self._to = to
        self.port = free_port()
        self.loses_answers = False
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Take connections, again or for the first time."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    def shut(self) -> None:
        """Break every connection and take no more."""
        if self._server is not None:
            self._server.close()
        for each in self._writers:
            each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        both = {writer, back}
        self._writers |= both
        try:
            await asyncio.gather(
                _copy(reader, back), _copy(there, writer, lambda: self.loses_answers)
            )
        finally:
            self._writers -= both


async def _copy(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    is_lost: Callable[[], bool] = lambda: False,
) -> None:
    """Pass on what comes, or break off once something comes that is to be lost."""
    try:
        while some := await source.read(65_536):
            if is_lost():
                target.transport.abort()
                return
            target.write(some)
            await target.drain()
    except OSError:
        pass  # shut
    finally:
        target.close()


@asynccontextmanager
async def gate_to(port: int) -> AsyncIterator[TcpGate]:
    """Yield an open gate to a port; it is shut afterwards."""
    gate = TcpGate(port)
    await gate.open()
    try:
        yield gate
    finally:
        gate.shut()
