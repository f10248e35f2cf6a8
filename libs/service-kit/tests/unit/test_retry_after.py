"""Retry-After: seconds or a date, never negative, never without end, and never an error."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablesync.service_kit.http.retry_after import MOST_SECONDS, retry_after

DATE = "Wed, 21 Oct 2026 07:27:00 GMT"


def unavailable(**headers: str) -> httpx.Response:
    return httpx.Response(503, headers={name.replace("_", "-"): headers[name] for name in headers})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("86400", MOST_SECONDS),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 60.0),
        ("Wednesday, 21-Oct-26 07:28:00 GMT", 60.0),
        ("Wed Oct 21 07:28:00 2026", 60.0),
        ("Thu, 22 Oct 2026 07:28:00 GMT", MOST_SECONDS),
    ],
)
def test_seconds_and_dates_are_read_by_the_servers_own_clock(text: str, seconds: float) -> None:
    assert retry_after(unavailable(Retry_After=text, Date=DATE)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-1",
        "nan",
        "inf",
        "1e3",
        "1.",
        "²",
        "Wed, 21 Oct 2026",
        "Wed, 21 Oct 2026 99:99",
    ],
)
def test_what_cannot_be_read_gives_the_default(text: str) -> None:
    response = httpx.Response(503, headers=[(b"Retry-After", text.encode("latin-1"))])
    assert retry_after(response) == 1.0
    assert retry_after(response, 5.0) == 5.0
    assert retry_after(response, None) is None


def test_a_date_that_has_passed_gives_the_default() -> None:
    past = "Wed, 21 Oct 2026 07:26:00 GMT"
    assert retry_after(unavailable(Retry_After=past, Date=DATE), 5.0) == 5.0
    assert retry_after(unavailable(Retry_After=DATE, Date=DATE), 5.0) == 5.0


@pytest.mark.parametrize("date", [{}, {"Date": "today"}])
def test_without_the_servers_clock_ours_counts(date: dict[str, str]) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < retry_after(unavailable(Retry_After=until, **date)) <= 100


def test_a_caller_may_cap_the_wait_lower() -> None:
    assert retry_after(unavailable(Retry_After="86400"), at_most=30.0) == 30.0
    until = "Thu, 22 Oct 2026 07:28:00 GMT"
    assert retry_after(unavailable(Retry_After=until, Date=DATE), None, at_most=30.0) == 30.0


@given(text=st.binary(max_size=60), date=st.sampled_from(["", DATE]))
def test_no_header_is_an_error(text: bytes, date: str) -> None:
    headers = [(b"Retry-After", text), (b"Date", date.encode())]
    assert 0 <= retry_after(httpx.Response(503, headers=headers)) <= MOST_SECONDS
