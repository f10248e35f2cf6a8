"""What all requests of ours go through: spans, bounded answers, and a last look before sending."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import httpx
from opentelemetry import propagate
from opentelemetry.trace import SpanKind
from tablesync.service_kit.http.client.bounded import ACCEPTED, ANSWER_BYTES, MOST_BYTES, bound
from tablesync.service_kit.telemetry import span


class WithheldError(Exception):
    """A request was not sent: a last look, right before it, found that it may not be any more."""


_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, WithheldError)


class TracedTransport(httpx.AsyncBaseTransport):
    """Opens a span per request and sends its trace context; bounds what is answered.

    It notes the host, never the path: some providers put tokens into paths.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, answer_bytes: int = MOST_BYTES) -> None:
        self._inner = inner
        self._answer_bytes = answer_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; its answer may be as long as it says, or as those of all others."""
        attributes = {"http.request.method": request.method, "server.address": request.url.host}
        with span(f"{request.method} {request.url.host}", SpanKind.CLIENT, attributes) as opened:
            carrier = {"accept-encoding": ACCEPTED}
            propagate.inject(carrier)
            request.headers.update(carrier)
            response = await self._answer(request)
            opened.set_attribute("http.response.status_code", response.status_code)
        return bound(response, request.extensions.get(ANSWER_BYTES, self._answer_bytes))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        """Send a request; what goes wrong fails as httpx has it fail."""
        try:
            return await self._inner.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if never_sent(error):
                raise
            # It calls everything that ends a connection a connect time-out.
            raise httpx.ReadError(str(error), request=request) from error
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


def never_sent(error: BaseException) -> bool:
    """Whether a request that failed with this surely was not sent, so that sending it is no repeat.

    Its cause decides: what a transport calls it says less.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, _NEVER_SENT):
        cause = cause.__cause__
    return cause is not None
