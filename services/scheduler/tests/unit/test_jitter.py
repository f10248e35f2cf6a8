"""Catch-ups begin ten a second, and none of them later than the setting says."""

from datetime import UTC, datetime

import pytest
from tablesync.scheduler.loops.jitter import Jitter

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(("among", "within"), [(1, 0.1), (100, 10), (300, 30), (10_000, 30)])
def test_catch_ups_are_spread_ten_a_second_and_no_longer_than_allowed(
    among: int, within: float
) -> None:
    jitter = Jitter(longest_seconds=30)
    waits = [(jitter.moment(NOW, among) - NOW).total_seconds() for _ in range(1_000)]
    assert 0 <= min(waits) < 0.1 * within
    assert 0.9 * within < max(waits) <= within


def test_without_a_spread_all_begin_at_once() -> None:
    assert Jitter(longest_seconds=0).moment(NOW, 10_000) == NOW
