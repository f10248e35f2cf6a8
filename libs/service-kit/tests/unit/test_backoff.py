"""Backoff: waits grow, up to a limit, are never the same for all, and start small again."""

import pytest
from tablesync.service_kit.backoff import Backoff
from tablesync.service_kit.messaging.broker import NACK_WAIT_MAX_SECONDS, NACK_WAIT_SECONDS


def test_waits_grow_to_the_limit_and_start_small_again() -> None:
    backoff = Backoff(NACK_WAIT_SECONDS, NACK_WAIT_MAX_SECONDS)
    grown = [backoff.next() for _ in range(10)]
    for seconds, most in zip(grown, [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30], strict=True):
        assert most / 2 <= seconds <= most
    backoff.reset()
    assert 0.25 <= backoff.next() <= 0.5


@pytest.mark.parametrize(("attempts", "most"), [(1, 2.0), (3, 8.0), (20, 300.0), (100_000, 300.0)])
def test_others_may_keep_the_count(attempts: int, most: float) -> None:
    backoff = Backoff(2.0, 300.0)
    assert most / 2 <= backoff.after(attempts) <= most


def test_two_callers_rarely_wait_alike() -> None:
    assert len({Backoff(1.0, 30.0).next() for _ in range(100)}) > 90
