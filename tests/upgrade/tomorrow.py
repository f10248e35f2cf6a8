"""Services as a later version might answer: what today does not know stands among what it does."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tablesync.test_kit import wait_until

RETRY_AFTER_SECONDS = 2.0
_NEWS = {"of_tomorrow": {"members": ["that", "nobody", "knows"]}}
_METHODS = ("GET", "POST", "PATCH", "DELETE")
_OWN_HEADERS = {"content-length", "content-encoding", "transfer-encoding", "connection"}


class Tomorrow:
    """Stands before one service, and adds to every JSON object that it answers with.

    The first report of a refused token is answered with a ruling that no version knows yet, and
    goes no further. `reported` has when each report came.
    """

    def __init__(self, target: str) -> None:
        self._http = httpx.AsyncClient(base_url=target, timeout=30, trust_env=False)
        self.answered = 0
        self.reported: list[float] = []

    def app(self) -> Starlette:
        """Return what answers in the service's place."""
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=[*_METHODS])])

    async def _answer(self, request: Request) -> Response:
        try:
            if request.url.path.endswith("/auth-failures"):
                return await self._rule(request)
            return await self._forward(request)
        except httpx.TransportError:  # it has not started yet
            return Response(status_code=httpx.codes.SERVICE_UNAVAILABLE)

    async def _rule(self, request: Request) -> Response:
        self.reported.append(time.monotonic())
        if len(self.reported) > 1:
            return await self._forward(request)
        ruling = {"verdict": "of_tomorrow", "retry_after": RETRY_AFTER_SECONDS}
        version = (await request.json())["grant_version"]
        return JSONResponse(grown({**ruling, "grant_version": version}))

    async def _forward(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        response = await self._http.request(
            request.method,
            request.url.path,
            params=request.url.query.encode(),
            content=await request.body(),
            headers=headers,
        )
        kept = {name: value for name, value in response.headers.items() if name not in _OWN_HEADERS}
        if "json" not in response.headers.get("content-type", ""):
            return Response(response.content, response.status_code, kept)
        self.answered += 1
        return JSONResponse(grown(response.json()), response.status_code, kept)


def grown(value: Any) -> Any:
    """Return JSON with members that nobody knows in every object."""
    if isinstance(value, Mapping):
        return {**{name: grown(each) for name, each in value.items()}, **_NEWS}
    return [grown(each) for each in value] if isinstance(value, list) else value


@contextmanager
def answering(tomorrow: Tomorrow, port: int) -> Iterator[None]:
    """Listen for a block, in a thread of its own: a stack that starts blocks the event loop."""
    config = uvicorn.Config(tomorrow.app(), "127.0.0.1", port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, timeout=30, what="the later version")
        yield
    finally:
        server.should_exit = True
        thread.join()
