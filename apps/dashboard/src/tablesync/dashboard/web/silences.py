"""Services that are silent: who does not answer, since when, and going on without.

A page waits for what it is about for ten seconds, and for what stands beside that for four.
"""

from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import httpx
from tablesync.client import AwayError, NotFoundError

T = TypeVar("T")
PAGE_SECONDS, ASIDE_SECONDS = 10.0, 4.0
# Whoever was not asked for so long may have answered meanwhile.
KNOWN_FOR = timedelta(minutes=1)
_WAITS = ("connect", "read", "write", "pool")
_patience: ContextVar[float | None] = ContextVar("patience", default=None)


@dataclass(frozen=True)
class Silent:
    """Stands where an answer would: who did not give one."""

    service: str


@dataclass(frozen=True)
class _Silence:
    since: datetime
    noticed: datetime


class Silences:
    """The services that did not answer when they were last asked."""

    def __init__(self, services: Mapping[str, str]) -> None:
        self._by_url = {_address(url): name for name, url in services.items()}
        self._known: dict[str, _Silence] = {}

    async def heard(self, response: httpx.Response) -> None:
        """Note an answer, as a hook of an HTTP client: a broken service is as good as silent."""
        if not response.is_server_error:
            self._known.pop(self._asked(response.url), None)

    def since(self, service: str) -> datetime:
        """Return since when a service that did not answer just now is known to be silent."""
        now = datetime.now(UTC)
        known = self._known.get(service)
        lasts = known is not None and now - known.noticed < KNOWN_FOR
        since = known.since if known and lasts else now
        self._known[service] = _Silence(since, now)
        return since

    def _asked(self, url: httpx.URL) -> str:
        """Return who was asked: of several at one host, the one with the nearest address."""
        asked = _address(str(url))
        fits = [each for each in self._by_url if f"{asked}/".startswith(f"{each}/")]
        return self._by_url[max(fits, key=len)] if fits else ""


def is_silent(value: object) -> bool:
    """Whether nobody has given an answer, for templates."""
    return isinstance(value, Silent)


def told(answer: T | Silent, otherwise: T) -> T:
    """Return an answer, or what is shown without one."""
    return otherwise if isinstance(answer, Silent) else answer


def silent_among(*answers: object) -> list[str]:
    """Return who did not answer, each once."""
    return list(dict.fromkeys(each.service for each in answers if isinstance(each, Silent)))


async def or_silent(asked: Awaitable[T], seconds: float = ASIDE_SECONDS) -> T | Silent:
    """Return an answer, or who does not give it soon: the rest of a page does not wait for it."""
    with waiting(seconds):
        try:
            return await asked
        except AwayError as error:
            return Silent(error.service)


async def or_gone(asked: Awaitable[T]) -> T | None:
    """Return an answer, or None for what is not there any more."""
    try:
        return await asked
    except NotFoundError:
        return None


@contextmanager
def waiting(seconds: float) -> Iterator[None]:
    """Wait no longer for any answer within a block."""
    before = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(before)


def wait_for_pages() -> None:
    """Wait no longer for any answer than a page may take, for the rest of a request."""
    _patience.set(PAGE_SECONDS)


def wait_for_others() -> None:
    """Wait as long as the client does, for the rest of a request: a provider is asked."""
    _patience.set(None)


async def hurry(request: httpx.Request) -> None:
    """Give up as soon as whoever asks would, as a hook of an HTTP client."""
    if (seconds := _patience.get()) is not None:
        given = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {
            each: min(seconds, given.get(each) or seconds) for each in _WAITS
        }


def _address(url: str) -> str:
    """Return host and path."""
    parsed = httpx.URL(url)
    return f"{parsed.netloc.decode()}{parsed.path.rstrip('/')}"
