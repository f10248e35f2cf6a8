"""One span, one log line and one measurement per HTTP request: its route, never its URL.

A URL may hold an authorization code or the token of a reconnect link; a route's template cannot.
"""

import time
from collections.abc import Iterable

import structlog
from fastapi import FastAPI
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tablesync.service_kit.telemetry import span_from

log = structlog.get_logger()

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
UNMATCHED = "(no route)"
# A caller may invent methods; a metric has a label for each it ever saw.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "(other)"
SERVER_ERROR = 500
SECONDS = Histogram("http_request_seconds", "Requests by route.", ["method", "route", "status"])


def use_instead_of_fastapis(app: FastAPI) -> None:
    """Add the middleware to an app, and switch off FastAPI's own telemetry.

    FastAPI's spans hold the path and the query, which for an OAuth callback is a secret; it can
    otherwise be switched off only where the app is made, which every service does for itself.
    """
    app._telemetry.update({"tracing": False, "metrics": False, "logs": False})
    app.add_middleware(Access)


class Access:
    """ASGI middleware: continues the caller's trace and notes what became of the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request inside its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, method = SERVER_ERROR, scope["method"]
        outer, scope = scope, _for_routes(scope)
        if scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        with span_from(_traceparent(scope["headers"]), method, SpanKind.SERVER) as span:
            try:
                await self._app(scope, receive, send_noting)
            finally:
                # Whoever answers for an error that nothing has caught names the route too.
                outer["route"] = scope.get("route")
                _note(route_of(scope), method, span, status, time.perf_counter() - began)


def route_of(scope: Scope) -> str:
    """Return the template of the route that a request came to: it holds no secret."""
    return str(getattr(scope.get("route"), "path_format", UNMATCHED))


def _for_routes(scope: Scope) -> Scope:
    """Return a request as routes see it: a GET where HEAD is asked for, and without odd cookies.

    FastAPI's routes know no HEAD, to which the server sends no body. And they read all cookies,
    in a time that grows with the square of one in quotes that has backslashes: none of ours has.
    """
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    headers = [
        (name, _plain_cookies(raw) if name == b"cookie" else raw) for name, raw in scope["headers"]
    ]
    return {**scope, "method": method, "headers": headers}


def _plain_cookies(raw: bytes) -> bytes:
    return b";".join(each for each in raw.split(b";") if b"\\" not in each)


def _note(route: str, method: str, span: Span, status: int, seconds: float) -> None:
    method = method if method in METHODS else OTHER
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {"http.request.method": method, "http.route": route, "http.response.status_code": status}
    )
    if status >= SERVER_ERROR:
        span.set_status(Status(StatusCode.ERROR))
    SECONDS.labels(method, route, status).observe(seconds)
    log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def _traceparent(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    return next((raw.decode("latin-1") for name, raw in headers if name == b"traceparent"), None)
