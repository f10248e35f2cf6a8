"""When a used-up quota is refilled, by the clock of the provider that said so."""

from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

import httpx

# A date before or after them is none: it may have no day after it.
_YEARS = range(2000, 9999)


def next_midnight(response: httpx.Response, zone: tzinfo) -> datetime:
    """Return the next midnight of a time zone, in UTC."""
    tomorrow = answered_at(response).astimezone(zone) + timedelta(days=1)
    return _at_midnight(tomorrow).astimezone(UTC)


def next_month(response: httpx.Response) -> datetime:
    """Return the beginning of the next calendar month, in UTC."""
    within_the_next = answered_at(response).replace(day=1) + timedelta(days=31)
    return _at_midnight(within_the_next).replace(day=1)


def answered_at(response: httpx.Response) -> datetime:
    """Return when an answer was given by its Date header; by our clock if it has none."""
    now = datetime.now(UTC)
    try:
        told = parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return now
    return told if told.year in _YEARS else now


def _at_midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
