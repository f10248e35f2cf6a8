"""httpx clients, all from one factory: aiohttp's transport, timeouts, no proxies from outside."""

import ssl
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from opentelemetry import propagate
from opentelemetry.trace import SpanKind
from tablesync.service_kit.telemetry import span

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
CONNECTIONS = 200


class WithheldError(Exception):
    """A request was not sent: a last look, right before it, found that it may not be any more."""


_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, WithheldError)


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
            response = await self._answer(request)
            opened.set_attribute("http.response.status_code", response.status_code)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        """Send a request; what answers without speaking HTTP fails as httpx has it fail."""
        try:
            return await self._inner.handle_async_request(request)
        except aiohttp.ClientError as error:
            said = f"{request.url.host} does not speak HTTP: {type(error).__name__}"
            raise httpx.RemoteProtocolError(said, request=request) from error


class LastLook(httpx.AsyncBaseTransport):
    """Sends a request only if it still may go at the moment when its bytes go out.

    A process may have slept since it last looked. What is withheld fails with a TransportError
    that `never_sent` knows. The transport inside is somebody else's to close.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, may_go: Callable[[], bool]) -> None:
        self._inner = inner
        self._may_go = may_go

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; its headers wait for its body, so that all of it waits for the look."""
        body = _Withheld(await request.aread(), self._may_go)
        looked_at = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=body,
            extensions=request.extensions,
        )
        return await self._inner.handle_async_request(looked_at)


class _Withheld(httpx.AsyncByteStream):
    def __init__(self, body: bytes, may_go: Callable[[], bool]) -> None:
        self._body = body
        self._may_go = may_go

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self._may_go():
            raise WithheldError
        yield self._body


class Client(httpx.AsyncClient):
    """A client that keeps no cookies: what one account was sent is not sent with another's calls.

    It has no jar to look into for each answer, either.
    """

    @property
    def cookies(self) -> httpx.Cookies:
        """None, whatever an answer sets."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        raise TypeError("this client keeps no cookies")


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them where they are."""


_NO_COOKIES = _NoCookies()


def new_client(
    base_url: str = "", *, auth: httpx.Auth | None = None, total_seconds: float = TOTAL_SECONDS
) -> Client:
    """Make a client; close it when done. Trace context is sent with every request."""
    return Client(
        base_url=base_url,
        auth=auth,
        transport=new_transport(),
        timeout=httpx.Timeout(total_seconds, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


def new_transport() -> TracedTransport:
    """Make the transport alone, for clients that a library builds itself; close it when done."""
    limits = httpx.Limits(max_connections=CONNECTIONS)
    return TracedTransport(AiohttpTransport(verify=_authorities(), limits=limits))


@cache
def _authorities() -> ssl.SSLContext:
    """Load whom we trust, once in a process: it takes longer than most calls."""
    return httpx.create_ssl_context()


def never_sent(error: BaseException) -> bool:
    """Whether a request that failed with this surely was not sent, so that sending it is no repeat.

    Its cause decides: the transport calls everything that ends a connection a connect time-out,
    also when the request was out and only its answer is missing.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, _NEVER_SENT):
        cause = cause.__cause__
    return cause is not None


def json_or_none(response: httpx.Response) -> Any:
    """Read a JSON body, or None where a proxy or a broken server sent something else."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None
