from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.domain.schedules import Slots, next_slot, slots_between

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MINUTE = Interval(every_seconds=60)
moments = st.integers(-(10**9), 10**10).map(lambda ms: NOON + timedelta(milliseconds=ms))
intervals = st.integers(1, 10**6).map(lambda seconds: Interval(every_seconds=seconds))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_the_first_slot_is_one_interval_after_the_anchor() -> None:
    assert next_slot(MINUTE, NOON, NOON) == at(60)
    assert next_slot(MINUTE, NOON, at(-5)) == at(60)


def test_a_slot_is_not_its_own_successor() -> None:
    assert next_slot(MINUTE, NOON, at(60)) == at(120)
    assert next_slot(MINUTE, NOON, at(59.999)) == at(60)


def test_slots_are_counted_with_their_end_and_without_their_beginning() -> None:
    assert slots_between(MINUTE, NOON, at(60), at(180)) == Slots(2, at(180))
    assert slots_between(MINUTE, NOON, at(60), at(60)) is None
    assert slots_between(MINUTE, NOON, NOON, at(59.999)) is None


@given(intervals, st.lists(moments, min_size=2, max_size=6).map(sorted))
def test_slots_add_up_however_time_is_cut(schedule: Interval, cuts: list[datetime]) -> None:
    def count(after: datetime, until: datetime) -> int:
        slots = slots_between(schedule, NOON, after, until)
        return slots.count if slots else 0

    parts = sum(count(a, b) for a, b in pairwise(cuts))
    assert parts == count(cuts[0], cuts[-1])


@given(intervals, moments)
def test_the_next_slot_is_the_first_one_later(schedule: Interval, moment: datetime) -> None:
    slot = next_slot(schedule, NOON, moment)
    assert slot > max(moment, NOON)
    between = slots_between(schedule, NOON, moment, slot)
    assert between == Slots(1, slot)
