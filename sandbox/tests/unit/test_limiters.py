"""The limiters, on a clock that only the test moves."""

from tablesync.sandbox.limits import Bucket, Window


class HandClock:
    def __init__(self) -> None:
        self.moment = 100.0

    def __call__(self) -> float:
        return self.moment


def taken(bucket: Bucket | Window, tries: int) -> int:
    return sum(bucket.admit() for _ in range(tries))


def test_a_bucket_gives_its_size_at_once_and_then_its_rate():
    clock = HandClock()
    bucket = Bucket(5, 5, 30, clock)
    assert taken(bucket, 5) == 5
    for _ in range(50):
        clock.moment += 0.2
        assert bucket.admit()


def test_an_overdrawn_bucket_is_locked_for_its_whole_penalty():
    clock = HandClock()
    bucket = Bucket(5, 5, 30, clock)
    assert taken(bucket, 6) == 5
    clock.moment += 29.9
    assert not bucket.admit()
    clock.moment += 0.1
    assert taken(bucket, 6) == 5


def test_a_window_slides():
    clock = HandClock()
    window = Window(5, 1, clock)
    assert taken(window, 3) == 3
    clock.moment += 0.5
    assert taken(window, 7) == 2
    clock.moment += 0.5
    assert taken(window, 7) == 3
    assert window.remaining == 0
