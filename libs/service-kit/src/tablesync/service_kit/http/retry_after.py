"""Retry-After (RFC 9110, 10.2.3): in how many seconds an answer allows the next try."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import overload

import httpx

MOST_SECONDS = 3_600.0
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]+)?")


@overload
def retry_after(
    response: httpx.Response, default: float = 1.0, *, at_most: float = MOST_SECONDS
) -> float: ...
@overload
def retry_after(
    response: httpx.Response, default: None, *, at_most: float = MOST_SECONDS
) -> float | None: ...
def retry_after(
    response: httpx.Response, default: float | None = 1.0, *, at_most: float = MOST_SECONDS
) -> float | None:
    """Return the seconds to wait, or `default` where the answer names none that can be used.

    An HTTP date is compared with the answer's own `Date`, since the two come from one clock, and
    with our clock where it has none. One that has passed is no wait to go by: `default`.
    """
    text = response.headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), at_most)
    until = _http_date(text)
    if until is None:
        return default
    answered_at = _http_date(response.headers.get("Date", "")) or datetime.now(UTC)
    seconds = (until - answered_at).total_seconds()
    return min(seconds, at_most) if seconds > 0 else default


def _http_date(text: str) -> datetime | None:
    """Read an HTTP date in any of its three forms, all of them UTC."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
