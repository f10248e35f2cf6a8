"""Services that are silent: since when, as far as this process has asked them, and going on."""

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import httpx
from tablesync.client import AwayError

T = TypeVar("T")


class Silences:
    """The services that did not answer when they were last asked."""

    def __init__(self, services: Mapping[str, str]) -> None:
        self._names = {_host(url): name for name, url in services.items()}
        self._since: dict[str, datetime] = {}

    async def heard(self, response: httpx.Response) -> None:
        """Note an answer, as a hook of an HTTP client: a broken service is as good as silent."""
        if not response.is_server_error:
            self._since.pop(self._names.get(_host(str(response.url)), ""), None)

    def since(self, service: str) -> datetime:
        """Return since when a service that did not answer just now has been silent."""
        return self._since.setdefault(service, datetime.now(UTC))


def _host(url: str) -> str:
    return httpx.URL(url).netloc.decode()


async def or_none(asked: Awaitable[T]) -> T | None:
    """Return an answer, or None while whoever is asked does not answer."""
    try:
        return await asked
    except AwayError:
        return None
