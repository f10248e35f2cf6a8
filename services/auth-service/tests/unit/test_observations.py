"""P03: who takes a refresh for abandoned has read its last sign of life for long enough himself."""

from datetime import UTC, datetime, timedelta

import pytest
from tablesync.auth_service.grants.grant import Intent
from tablesync.auth_service.grants.intents import Observation
from tablesync.service_kit import clock

ABANDONED, GAP = 10.0, 1.0
BEGUN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
INTENT = Intent(id="int_1", at=BEGUN, owner="another")
BEAT = Intent(id="int_1", at=BEGUN + timedelta(seconds=1), owner="another")


class Reader:
    """Reads an intent, by a clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._observation = Observation(ABANDONED)

    def reads(self, intent: Intent, *, after: float, times: int = 1) -> list[bool]:
        """Read so many times, each so many seconds after the one before; return the verdicts."""
        return [self._read(intent, after) for _ in range(times)]

    def _read(self, intent: Intent, after: float) -> bool:
        self.now += after
        return self._observation.shows_no_life(intent)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    reader = Reader()
    monkeypatch.setattr(clock, "seconds", lambda: reader.now)
    return reader


def test_a_sign_of_life_that_was_read_for_long_enough_is_the_last(reader: Reader) -> None:
    assert reader.reads(INTENT, after=0) == [False]
    assert reader.reads(INTENT, after=0.5, times=20) == [False] * 19 + [True]


@pytest.mark.parametrize("seconds", [2, 60, 86_400], ids=["a moment", "an outage", "a long sleep"])
def test_what_lies_between_two_reads_counts_for_no_more_than_the_gap(
    reader: Reader, seconds: float
) -> None:
    """MongoDB, or the reader, was away: nobody could renew anything, or it was not seen."""
    reader.reads(INTENT, after=0)
    assert reader.reads(INTENT, after=seconds) == [False]
    left = round(ABANDONED - GAP)
    assert reader.reads(INTENT, after=GAP, times=left) == [False] * (left - 1) + [True]


def test_a_new_sign_of_life_begins_anew(reader: Reader) -> None:
    reader.reads(INTENT, after=0)
    assert reader.reads(INTENT, after=GAP, times=9) == [False] * 9
    assert reader.reads(BEAT, after=GAP, times=10) == [False] * 10
    assert reader.reads(BEAT, after=GAP) == [True]


def test_the_first_reading_counts_for_nothing_however_long_the_clock_runs(reader: Reader) -> None:
    assert reader.reads(INTENT, after=86_400) == [False]


@pytest.mark.parametrize("other", [{"id": "int_2"}, {"owner": "a third"}, {"given_up": True}])
def test_another_intent_begins_anew(reader: Reader, other: dict[str, object]) -> None:
    reader.reads(INTENT, after=GAP, times=10)
    assert reader.reads(INTENT.model_copy(update=other), after=GAP) == [False]
