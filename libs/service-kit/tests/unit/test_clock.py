"""What is judged by time knows that the machine has slept."""

import time
from collections.abc import Callable

import pytest
from tablesync.service_kit import clock
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.mongo.leases import Lease

Sleep = Callable[[float], None]


@pytest.fixture
def sleep(monkeypatch: pytest.MonkeyPatch) -> Sleep:
    """Have the machine sleep: its monotonic clock stands still, the other runs on."""
    read, slept = time.clock_gettime, dict[int, float]()

    def fall_asleep(seconds: float) -> None:
        slept[getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)] = seconds

    monkeypatch.setattr(time, "clock_gettime", lambda which: read(which) + slept.get(which, 0.0))
    return fall_asleep


def test_p14_a_lease_lapses_while_the_machine_sleeps(sleep: Sleep) -> None:
    lease = Lease("run_1", "me", 1, ttl_seconds=60, taken_at=clock.seconds())
    assert lease.remaining() > 50
    sleep(600)
    assert lease.remaining() == 0


def test_a_deadline_passes_while_the_machine_sleeps(sleep: Sleep) -> None:
    deadline = Deadline(60)
    assert not deadline.passed()
    sleep(600)
    assert deadline.passed()
