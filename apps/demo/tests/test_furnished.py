"""What was played in a minute is dated back in its order, and the weeks between have all slots."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from tablesync.contracts import Gap, is_id
from tablesync.demo.furnished.calendar import LASTED, WEEKS, Calendar
from tablesync.demo.furnished.pieces import PIECES
from tablesync.demo.furnished.weeks import MOST_CHANGED, catch_up_of, runs_of, slots_before
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.schedules import slots_between
from tablesync.scheduler.domain.syncs import Sync

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
CALENDAR = Calendar(NOW - timedelta(seconds=40), NOW - timedelta(seconds=20), NOW)


def sync(every_seconds: int) -> Sync:
    base_id, table_id, field_id = (kind + "a" * 14 for kind in ("app", "tbl", "fld"))
    document = {
        "_id": "syn_1",
        "workspace_id": "ws_1",
        "name": "Contacts",
        "owner_id": "op_1",
        "created_at": NOW,
        "source": {"connection_id": "con_a", "provider": "hubspot", "object": "contacts"},
        "destination": {"connection_id": "con_b", "base_id": base_id, "table_id": table_id},
        "key": {"source": "id", "field_id": field_id},
        "mapping": [],
        "schedule": {"every_seconds": every_seconds},
        "anchor": NOW,
        "next_slot_at": NOW + timedelta(seconds=every_seconds),
    }
    return Sync.from_document(document)


@pytest.mark.parametrize("minutes", [2, 60 * 24 * 3])
def test_what_was_played_later_is_told_as_later(minutes: int) -> None:
    """Also where the seeding was broken off, and gone on with days later."""
    played = [NOW - timedelta(minutes=minutes) * step / 50 for step in reversed(range(51))]
    calendar = Calendar(played[20], played[40], NOW)
    told = [calendar.told(each) for each in played]
    assert all(one <= other for one, other in pairwise(told))
    assert all(said <= each for said, each in zip(told, played, strict=True))


def test_the_outage_is_told_as_days_ago_and_as_a_day_long() -> None:
    lost, regained = CALENDAR.told(CALENDAR.broken_at), CALENDAR.told(CALENDAR.back_at)
    assert (lost, regained) == (CALENDAR.lost_at, CALENDAR.regained_at)
    assert regained - lost == LASTED
    assert CALENDAR.lacks(lost)
    assert not CALENDAR.lacks(regained)


@pytest.mark.parametrize("seconds", sorted({each.every_seconds for each in PIECES}))
def test_all_slots_of_the_weeks_before_have_a_run_and_no_other_has(seconds: int) -> None:
    its = sync(seconds)
    slots = slots_before(its)
    began = its.anchor - WEEKS
    due = slots_between(its.schedule, began, began, its.next_slot_at - timedelta(milliseconds=1))
    assert due
    assert (len(slots), slots[-1]) == (due.count, due.last)
    runs = runs_of(its, slots, most=450)
    assert [each.slot for each in runs] == slots
    assert sorted(runs, key=lambda run: run.id) == runs, "ids tell their time"
    for run in runs:
        assert is_id(run.id, "run")
        assert Run.from_document(run.to_document()) == run
        assert run.counts.read == run.counts.written + run.counts.unchanged <= MOST_CHANGED


def test_a_catch_up_brings_no_more_than_there_is() -> None:
    gap = Gap(from_=CALENDAR.lost_at, to=CALENDAR.regained_at, slots_missed=4)
    run = catch_up_of(sync(3_600), gap, most=20)
    assert run.gap == gap
    assert run.requested_at > CALENDAR.regained_at
    assert run.counts.read <= 20
