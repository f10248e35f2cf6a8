"""httpx clients, all from one factory: timeouts, no cookies, no proxies from outside."""

import ssl
from functools import cache
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport
from tablesync.service_kit.http.client.bounded import MOST_BYTES
from tablesync.service_kit.http.client.transports import TracedTransport

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 30.0
CONNECTIONS = 200


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
    base_url: str = "",
    *,
    auth: httpx.Auth | None = None,
    total_seconds: float = TOTAL_SECONDS,
    answer_bytes: int = MOST_BYTES,
) -> Client:
    """Make a client; close it when done. Trace context is sent with every request."""
    return Client(
        base_url=base_url,
        auth=auth,
        transport=new_transport(answer_bytes),
        timeout=httpx.Timeout(total_seconds, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


def new_transport(answer_bytes: int = MOST_BYTES) -> TracedTransport:
    """Make the transport alone, for clients that a library builds itself; close it when done."""
    limits = httpx.Limits(max_connections=CONNECTIONS)
    return TracedTransport(AiohttpTransport(verify=_authorities(), limits=limits), answer_bytes)


@cache
def _authorities() -> ssl.SSLContext:
    """Load whom we trust, once in a process: it takes longer than most calls."""
    return httpx.create_ssl_context()


def json_or_none(response: httpx.Response) -> Any:
    """Read a JSON body, or None where a proxy or a broken server sent something else."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None
