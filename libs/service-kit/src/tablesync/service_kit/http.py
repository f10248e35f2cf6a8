"""httpx clients, all from one factory: aiohttp's transport, timeouts, no proxies from outside."""

from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport
from opentelemetry import propagate

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0


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
        event_hooks={"request": [_send_trace]},
    )


def new_transport() -> AiohttpTransport:
    """Make the transport alone, for clients that a library builds itself; close it when done."""
    return AiohttpTransport(limits=httpx.Limits(max_connections=200))


async def _send_trace(request: httpx.Request) -> None:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    request.headers.update(carrier)


def json_or_none(response: httpx.Response) -> Any:
    """Read a JSON body, or None where a proxy or a broken server sent something else."""
    try:
        return response.json()
    except ValueError:
        return None
