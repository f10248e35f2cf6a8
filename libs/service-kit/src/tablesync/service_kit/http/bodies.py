"""What comes in with a request: who may send a body, how large, how deep and how slowly.

A body is read when a route first asks for it. By then the headers are known to be good: a route
wants a token unless it says `NO_TOKEN`, and without a good one not a byte of the body is read.
A route that takes more or less than the rest says so itself:

    @router.post("/v1/syncs", openapi_extra=bodies.at_most(512 * 1024))
"""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tablesync.service_kit.http.openapi import LIMIT, NO_TOKEN, Json
from tablesync.service_kit.http.problems import Problem
from tablesync.service_kit.http.service_auth import Verifier, bearer_token

DEFAULT_BYTES = 256 * 1024
# Anybody may send these: a sign-in, a form of a page.
PUBLIC_BYTES = 16 * 1024
NESTING = 64
INTERNAL = "/internal/"
# A client that still sends when its connection is closed may never get to read its answer.
LINGER_SECONDS, LINGER_PAUSE_SECONDS = 1.0, 0.05

_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def at_most(size: int) -> Json:
    """Return the `openapi_extra` of a route that takes bodies of up to so many bytes."""
    return {LIMIT: size}


def install(app: FastAPI, verifier: Verifier, seconds: float) -> None:
    """Guard an app's bodies; one has to have come within `seconds`."""
    app.add_middleware(Bodies, verifier=verifier, seconds=seconds)


class Bodies:
    """ASGI middleware: hands a route its body whole, or raises the problem with it."""

    def __init__(self, app: ASGIApp, verifier: Verifier, seconds: float) -> None:
        self._app = app
        self._verifier = verifier
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        headers = Headers(scope=scope)
        incoming = _Incoming(receive, headers)
        if incoming.ended:
            await self._app(scope, receive, send)
            return

        async def receive_whole() -> Message:
            if incoming.ended:
                return await receive()
            limit = self._admit(scope, headers)
            return await incoming.whole(limit, self._seconds)

        async def send_and_close(message: Message) -> None:
            """Close a connection on which too much of the body would still have to be read."""
            if incoming.is_done_with:
                await send(message)
            elif message["type"] == "http.response.start":
                await send({**message, "headers": [*message["headers"], (b"connection", b"close")]})
            else:
                await send({**message, "more_body": True})
                if not message.get("more_body"):
                    await incoming.linger()
                    await send({"type": "http.response.body"})

        await self._app(scope, receive_whole, send_and_close)

    def _admit(self, scope: Scope, headers: Mapping[str, str]) -> int:
        """Return how large a body may be, by its headers alone; raises Problem 401, 413 or 415."""
        extra: Mapping[str, Any] = getattr(scope.get("route"), "openapi_extra", None) or {}
        public = extra.get("security") == NO_TOKEN["security"]
        if not public:
            self._check_token(scope["path"], headers)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise _compressed()
        limit = int(extra.get(LIMIT, PUBLIC_BYTES if public else DEFAULT_BYTES))
        if int(headers.get("content-length", 0)) > limit:
            raise too_large(limit)
        return limit

    def _check_token(self, path: str, headers: Mapping[str, str]) -> None:
        token, verifier = bearer_token(headers), self._verifier
        check = verifier.service_caller if path.startswith(INTERNAL) else verifier.signed_in_claims
        check(token)


class _Incoming:
    """A body on its way in."""

    def __init__(self, receive: Receive, headers: Mapping[str, str]) -> None:
        self._receive = receive
        self._begun = False
        chunked = "transfer-encoding" in headers
        self._size = None if chunked else int(headers.get("content-length", 0))
        self.ended = self._size == 0

    @property
    def is_done_with(self) -> bool:
        """Whether it has ended, or is so small that the server may pass over it."""
        small = self._size is not None and self._size <= PUBLIC_BYTES
        return self.ended or (small and not self._begun)

    async def whole(self, limit: int, seconds: float) -> Message:
        """Return the body as one message; raises Problem 408, 413 or 422."""
        try:
            async with asyncio.timeout(seconds):
                body = await self._read(limit)
        except TimeoutError:
            raise _too_slow(seconds) from None
        if body is None:
            return {"type": "http.disconnect"}
        if is_too_deep(body):
            raise _too_deep()
        return {"type": "http.request", "body": body, "more_body": False}

    async def _read(self, limit: int) -> bytes | None:
        """Read to the end; None if the client has gone."""
        body = bytearray()
        while not self.ended:
            message = await self._next()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > limit:
                raise too_large(limit)
        return bytes(body)

    async def linger(self) -> None:
        """Take in a little more, slowly, so that a client that still sends gets its answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self.ended:
                    await self._next()
                    await asyncio.sleep(LINGER_PAUSE_SECONDS)

    async def _next(self) -> Message:
        self._begun = True
        message = await self._receive()
        self.ended = not message.get("more_body", False)
        return message


def is_too_deep(body: bytes) -> bool:
    """Whether JSON is nested deeper than NESTING, or its brackets do not match.

    In a time that grows with its length alone: each step takes the innermost brackets away.
    """
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKET)
    for _ in range(NESTING):
        if len(brackets) <= NESTING:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def too_large(limit: int) -> Problem:
    """Return the answer for a body that has more bytes than its route takes."""
    remedy = "Send less, in several requests if need be."
    return _bad(413, "body-too-large", f"is larger than the {limit} bytes allowed here", remedy)


def _compressed() -> Problem:
    remedy = "Send the body as it is, without Content-Encoding."
    return _bad(415, "body-compressed", "is compressed", remedy)


def _too_slow(seconds: float) -> Problem:
    remedy = "Send the request again, on a faster connection."
    return _bad(408, "body-too-slow", f"had not come whole after {seconds:g} s", remedy)


def _too_deep() -> Problem:
    message = f"is nested deeper than {NESTING} levels, or its brackets do not match"
    return _bad(
        422, "invalid-request", message, "Send well-formed JSON that is less deeply nested."
    )


def _bad(status: int, type_: str, message: str, remedy: str) -> Problem:
    error = {"field": "body", "message": message, "remedy": remedy}
    return Problem(status, type_, f"body: {message}", errors=[error])
