"""What tests of the client speak with: an auth-service, and a server with one set answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from tablesync.client import TableSync
from tablesync.client.credentials import Credentials
from tablesync.service_kit.mongo import Database


@dataclass(frozen=True)
class AuthService:
    """A running auth-service; `tokens` are the API tokens of its workspace by role."""

    url: str
    tokens: dict[str, str]
    workspace_id: str
    database: Database


class Connect(Protocol):
    """Makes a client, as an operator of the workspace unless told otherwise."""

    async def __call__(self, credentials: Credentials | None = None, url: str = "") -> TableSync:
        """Make one of the auth-service at `url`, or of the shared one."""


@asynccontextmanager
async def answering(body: Any, status: str = "200 OK") -> AsyncIterator[str]:
    """Serve one answer to all that is asked; yields the address."""
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.encode() + content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
