"""When quotas are refilled: at the provider's midnight and month, by its own clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from tablesync.sync_runner.access.refills import answered_at, next_midnight, next_month


def answer(date: str) -> httpx.Response:
    return httpx.Response(429, headers={"Date": date})


@pytest.mark.parametrize(
    ("date", "zone", "expected"),
    [
        ("Fri, 27 Nov 2026 04:15:00 GMT", "UTC", "2026-11-28T00:00:00+00:00"),
        ("Fri, 27 Nov 2026 04:15:00 GMT", "America/New_York", "2026-11-27T05:00:00+00:00"),
        ("Fri, 27 Nov 2026 15:30:00 GMT", "Asia/Tokyo", "2026-11-28T15:00:00+00:00"),
        # The night in which clocks are set back has an hour more.
        ("Sat, 24 Oct 2026 23:30:00 GMT", "Europe/Berlin", "2026-10-25T23:00:00+00:00"),
    ],
)
def test_a_day_ends_at_the_accounts_midnight(date: str, zone: str, expected: str) -> None:
    assert next_midnight(answer(date), ZoneInfo(zone)).isoformat() == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Fri, 27 Nov 2026 04:15:00 GMT", "2026-12-01T00:00:00+00:00"),
        ("Thu, 31 Dec 2026 23:59:59 GMT", "2027-01-01T00:00:00+00:00"),
        ("Sun, 31 Jan 2027 12:00:00 GMT", "2027-02-01T00:00:00+00:00"),
    ],
)
def test_a_month_ends_with_the_calendars(date: str, expected: str) -> None:
    assert next_month(answer(date)).isoformat() == expected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": "yesterday"},
        {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"Date": "Fri, 31 Dec 9999 23:59:59 -0000"},
    ],
)
def test_an_answer_without_a_possible_date_is_of_now(headers: dict[str, str]) -> None:
    moment = answered_at(httpx.Response(429, headers=headers))
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
