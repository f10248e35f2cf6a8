"""httpx clients, all from one factory: aiohttp's transport, timeouts, no proxies from outside."""

from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport
from opentelemetry import propagate
from opentelemetry.trace import SpanKind
from tablesync.service_kit.telemetry import span

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
CONNECTIONS = 200


class TracedTransport(httpx.AsyncBaseTransport):
    """Opens a span per request and sends its trace context; notes the host, never the path.

    Some providers put tokens into paths.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        attributes = {"http.request.method": request.method, "server.address": request.url.host}
        with span(f"{request.method} {request.url.host}", SpanKind.CLIENT, attributes) as opened:
            carrier: dict[str, str] = {}
            propagate.inject(carrier)
            request.headers.update(carrier)
            response = await self._inner.handle_async_request(request)
            opened.set_attribute("http.response.status_code", response.status_code)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def new_client(
    base_url: str = "", *, auth: httpx.Auth | None = None, total_seconds: float = TOTAL_SECONDS
) -> httpx.AsyncClient:
    """Make a client; close it when done. Trace context is sent with every request."""
    return httpx.AsyncClient(
        base_url=base_url,
        auth=auth,
        transport=new_transport(),
        timeout=httpx.Timeout(total_seconds, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


def new_transport() -> TracedTransport:
    """Make the transport alone, for clients that a library builds itself; close it when done."""
    return TracedTransport(AiohttpTransport(limits=httpx.Limits(max_connections=CONNECTIONS)))


def json_or_none(response: httpx.Response) -> Any:
    """Read a JSON body, or None where a proxy or a broken server sent something else."""
    try:
        return response.json()
    except ValueError:
        return None
