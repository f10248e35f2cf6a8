"""A batch that was late is followed by a smaller one; quick ones soon make it large again."""

import pytest
from pymongo.errors import NetworkTimeout
from tablesync.service_kit import clock
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.mongo.batch_size import QUICK_SECONDS, BatchSize


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def seconds(self) -> float:
        return self.now


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr(clock, "seconds", stopped.seconds)
    return stopped


def fail(size: BatchSize, error: Exception) -> int:
    with pytest.raises(type(error)), size.fitted() as taken:
        raise error
    return taken


def succeed(size: BatchSize, moved: Clock, seconds: float = 0.0) -> int:
    with size.fitted() as taken:
        moved.now += seconds
    return taken


@pytest.mark.parametrize(
    "late", [NetworkTimeout("timed out"), DependencyUnavailableError("mongodb")], ids=repr
)
def test_what_is_late_at_any_size_is_taken_one_by_one_within_a_few_batches(late: Exception) -> None:
    size = BatchSize(500)
    assert [fail(size, late) for _ in range(5)] == [500, 50, 5, 1, 1]


def test_it_grows_again_after_quick_batches_and_never_beyond_the_most(moved: Clock) -> None:
    size = BatchSize(500)
    for _ in range(3):
        fail(size, NetworkTimeout("timed out"))
    taken = [succeed(size, moved) for _ in range(11)]
    assert taken == [1, 2, 4, 8, 16, 32, 64, 128, 256, 500, 500]


def test_a_batch_that_took_long_is_not_followed_by_a_larger_one(moved: Clock) -> None:
    size = BatchSize(500)
    fail(size, NetworkTimeout("timed out"))
    assert [succeed(size, moved, QUICK_SECONDS) for _ in range(3)] == [50, 50, 50]


def test_an_error_of_what_is_in_it_makes_no_batch_smaller() -> None:
    size = BatchSize(500)
    assert [fail(size, KeyError("slot")) for _ in range(2)] == [500, 500]
