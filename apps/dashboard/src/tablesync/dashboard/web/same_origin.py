"""Refuses what another site has a browser send: every browser says where a form comes from."""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOrigin:
    """ASGI middleware: answers 403 to a change that is asked for from elsewhere."""

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app = app
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "http" and scope["method"] not in _READING:
            headers = Headers(scope=scope)
            fetched = headers.get("sec-fetch-site", "same-origin")
            if headers.get("origin", self._origin) != self._origin or fetched != "same-origin":
                refused = PlainTextResponse("This form was sent from another site.", 403)
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)
