"""What all stand-ins share: real HTTP on a loopback port, real tokens, and ways to be away."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from starlette.middleware.base import RequestResponseEndpoint
from tablesync.local_stack.ports import free_port
from tablesync.service_kit.http import problems
from tablesync.service_kit.http.service_auth import Verifier, callers
from tablesync.test_kit.stand_ins.web_server import WebServer

PREFIX = "/internal/v1"


@dataclass(frozen=True)
class Asked:
    """One request that a stand-in has seen, answered or not."""

    method: str
    path: str
    query: Mapping[str, str]


class StandIn(ABC):
    """A peer on a port of its own: it admits whom the real one admits, and can be away.

    Tests change what it knows while it is served. It answers with the contract's models, and
    passes the suite that the real service passes (`tests/contracts`).
    """

    name: ClassVar[str]

    def __init__(self, trusted_keys_file: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.down = False
        self.delay_seconds = 0.0
        self.most_at_once = self._at_once = 0
        self._hanging: dict[str, asyncio.Event] = {}
        self.asked: list[Asked] = []
        self._instead: list[tuple[str, Response]] = []
        self._verifier = Verifier.from_file(self.name, trusted_keys_file)
        self._server: WebServer | None = None
        self.app = FastAPI(title=f"{self.name}, standing in", openapi_url=None)
        problems.install(self.app)
        self.app.middleware("http")(self._receive)
        # `include_router` would build each route once more, for each test.
        self.app.routes.extend(self.routes().routes)

    @abstractmethod
    def routes(self) -> APIRouter:
        """Make the routes below `/internal/v1`."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Take connections, for the first time or again."""
        self._server = WebServer(self.app, self.port)
        await self._server.start()

    async def stop(self) -> None:
        """Break off every connection and refuse new ones."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def answer_with(self, path: str, *responses: Response) -> None:
        """Answer so, whatever it is, to the next requests whose path ends so."""
        self._instead += [(path, each) for each in responses]

    @contextmanager
    def hanging(self, part: str) -> Iterator[None]:
        """Answer no request whose path holds this before the block ends."""
        self._hanging[part] = goes_on = asyncio.Event()
        try:
            yield
        finally:
            del self._hanging[part]
            goes_on.set()

    def times(self, *parts: str) -> int:
        """Return how many requests there were whose path holds each of these parts."""
        return sum(all(part in each.path for part in parts) for each in self.asked)

    def admits(self, *services: str) -> Any:
        """Make the dependency that admits these callers."""
        return Depends(callers(self._verifier, *services))

    async def _receive(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        path = request.url.path
        self.asked.append(Asked(request.method, path, dict(request.query_params)))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self._wait(path)
        finally:
            self._at_once -= 1
        if self.down:
            return unavailable().response()
        return self._taken_instead(path) or await call_next(request)

    async def _wait(self, path: str) -> None:
        await asyncio.sleep(self.delay_seconds)
        for part, goes_on in list(self._hanging.items()):
            if part in path:
                await goes_on.wait()

    def _taken_instead(self, path: str) -> Response | None:
        for index, (ending, response) in enumerate(self._instead):
            if path.endswith(ending):
                del self._instead[index]
                return response
        return None


def unavailable(seconds: int = 1) -> problems.Problem:
    """Return what a service answers while something that it needs is away."""
    headers = {"Retry-After": str(seconds)}
    return problems.Problem(503, "unavailable", "Not now; try again.", headers=headers)
