"""A proxy between a browser and the dashboard, which loses streams and answers 502 when told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LIVE = "/live/"
CHUNK = 65_536


@dataclass
class Between:
    """Passes on what a browser asks, one connection for each request."""

    url: str = ""
    broken: bool = False
    # The heads of the streams that were asked for.
    asked: list[str] = field(default_factory=list)
    _streams: set[asyncio.StreamWriter] = field(default_factory=set)
    _serving: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    def cut(self) -> None:
        """Lose the streams that are open."""
        for each in self._streams:
            each.transport.abort()

    async def close(self) -> None:
        """Lose all there is, and see it end."""
        for each in self._serving.values():
            each.transport.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a browser."""
        task = asyncio.create_task(self.serve(reader, writer))
        self._serving[task] = writer
        task.add_done_callback(self._serving.pop)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one request on and its answer back."""
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if LIVE in head.partition("\r\n")[0]:
                self.asked.append(head)
                self._streams.add(writer)
                if self.broken:
                    writer.write(BAD_GATEWAY)
                    await writer.drain()
                    writer.close()
                    return
            await self._pass_on(head, reader, writer)
        self._streams.discard(writer)
        writer.close()

    async def _pass_on(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        first, _, rest = head.partition("\r\n")
        method, target, version = first.split(" ")
        to = urlsplit(target)
        path = to.path + (f"?{to.query}" if to.query else "")
        lines = [each for each in rest.split("\r\n") if not _of_connection(each)]
        sent = "\r\n".join([f"{method} {path} {version}", "Connection: close", *lines])
        back, there = await asyncio.open_connection(to.hostname, to.port)
        there.write(sent.encode("latin-1"))
        both = [asyncio.create_task(_pipe(*each)) for each in ((reader, there), (back, writer))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for each in both:
            each.cancel()
        there.close()


@asynccontextmanager
async def between() -> AsyncIterator[Between]:
    """Run the proxy for a block."""
    proxy = Between()
    async with await asyncio.start_server(proxy.begin, "127.0.0.1", 0) as server:
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield proxy
        await proxy.close()


def _of_connection(line: str) -> bool:
    return line.lower().startswith(("connection:", "proxy-connection:"))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
