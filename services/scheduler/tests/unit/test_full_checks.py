"""Full checks: once in a period, at a sync's own moment of the quiet hours, one at a time."""

from datetime import timedelta

import pytest
from scheduler_examples import AIRTABLE, NOON, a_sync
from tablesync.contracts import (
    Findings,
    Hold,
    HoldKind,
    RunFailureCause,
    RunStatus,
    SyncRequested,
    Trigger,
    new_id,
)
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.domain import holds, pauses
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.claims import claim
from tablesync.scheduler.domain.full_checks import FullChecks
from tablesync.scheduler.domain.requests import request_run, request_waiting
from tablesync.scheduler.domain.run_outcomes import Report, apply
from tablesync.scheduler.domain.syncs import Sync

pytestmark = pytest.mark.unit

CHECKS = FullChecks(every_days=7, from_hour=1, hours=4)
YEARLY = Interval(every_seconds=366 * 24 * 3600)
FAILURES_OF_OTHERS = [
    Report(RunStatus.FAILED, cause=RunFailureCause.PROVIDER),
    Report(RunStatus.CANCELLED, cause=RunFailureCause.CANCELLED),
]
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def looked_at(sync: Sync) -> Sync:
    """Let the ticker come to a sync for the first time."""
    CHECKS.look(sync, NOON)
    return sync


def asked(sync: Sync, seconds: float, changes: Changes | None = None) -> list[SyncRequested]:
    """Let the ticker come so long after the check was due; return what was asked for."""
    assert sync.check_at
    changes, now = changes or Changes(), sync.check_at + timedelta(seconds=seconds)
    CHECKS.look(sync, now)
    claim(sync, now, changes)
    return [each for each in changes.events if isinstance(each, SyncRequested)]


def test_each_sync_has_its_own_moment_in_the_quiet_hours_and_again_a_period_later() -> None:
    syncs = [looked_at(a_sync()) for _ in range(200)]
    moments = [each.check_at for each in syncs if each.check_at]
    assert all(1 <= each.hour < 5 for each in moments)
    assert all(WEEK / 2 < each - NOON <= WEEK * 3 / 2 for each in moments)
    assert len({each.date() for each in moments}) == 7
    assert len(set(moments)) == 200
    for each, moment in zip(syncs, moments, strict=True):
        assert asked(each, 0)[-1].check_everything
        assert each.check_at == moment + WEEK


def test_a_check_is_a_run_of_its_own_where_no_slot_is_due() -> None:
    sync = looked_at(a_sync(YEARLY))
    (event,) = asked(sync, 0)
    assert (event.check_everything, event.slot) == (True, None)
    assert sync.ledger.total == 0
    assert sync.due_at == sync.check_at


def test_a_check_goes_with_the_slot_that_is_due_with_it() -> None:
    sync = looked_at(a_sync())
    (event,) = asked(sync, 0)
    assert event.check_everything
    assert event.slot is not None


def test_a_check_waits_for_the_run_that_is_under_way_and_is_never_under_way_twice() -> None:
    sync, changes = looked_at(a_sync(YEARLY)), Changes()
    sync.active_runs.append("run_1")
    assert asked(sync, 0, changes) == []
    sync.active_runs.remove("run_1")
    request_waiting(sync, NOON, changes)
    (event,) = changes.events
    assert isinstance(event, SyncRequested)
    assert event.check_everything
    assert asked(sync, 0, Changes()) == []
    assert not sync.check_owed, "the one that is under way is as good"


@pytest.mark.parametrize("report", [Report(RunStatus.SUCCEEDED), *FAILURES_OF_OTHERS])
@pytest.mark.parametrize("stop", ["pause", "hold"])
def test_p08_a_check_that_is_owed_begins_no_run_of_a_sync_that_is_stopped(
    stop: str, report: Report
) -> None:
    """The check came due in a run, and in that same run somebody stopped the sync."""
    sync, changes = looked_at(a_sync(YEARLY)), Changes()
    run = request_run(sync, Trigger.MANUAL, NOON, changes)
    asked(sync, 0, changes)
    if stop == "pause":
        pauses.pause(sync, NOON, changes)
    else:
        hold(sync, changes)
    apply(report, run, sync, NOON, changes)
    assert len(requests(changes)) == 1
    assert sync.check_owed


def test_a_check_that_was_missed_waits_for_its_hour_once_and_is_not_made_up_for_twice() -> None:
    sync = looked_at(a_sync(YEARLY))
    due = sync.check_at
    assert due
    assert asked(sync, 3 * 24 * 3600 + 7_200) == []
    assert sync.check_at == due + 4 * DAY, "at its own hour, in which nobody works"
    (event,) = asked(sync, 6 * 3600)
    assert event.check_everything, "late again, it waits no longer"
    assert sync.check_at
    assert sync.check_at - due in (WEEK, 2 * WEEK)


LOST = Report(RunStatus.FAILED, cause=RunFailureCause.INTERNAL, presumed=True)
STOPS = [
    Report(RunStatus.HELD, cause=RunFailureCause.CONNECTION, connection_id=AIRTABLE),
    Report(RunStatus.INTERRUPTED, cause=RunFailureCause.CONNECTION, connection_id=AIRTABLE),
    Report(RunStatus.FAILED, cause=RunFailureCause.RESOURCE),
    Report(RunStatus.FAILED, cause=RunFailureCause.MAPPING),
    Report(RunStatus.FAILED, cause=RunFailureCause.QUOTA),
]
FAILURES = [Report(RunStatus.FAILED, cause=RunFailureCause.PROVIDER), LOST]


def ended(sync: Sync, report: Report) -> Changes:
    """Let a check be asked for by hand, and its run end so."""
    changes = Changes()
    run = request_run(sync, Trigger.MANUAL, NOON, changes, check_everything=True)
    apply(report, run, sync, NOON, changes)
    return changes


def requests(changes: Changes) -> list[SyncRequested]:
    return [each for each in changes.events if isinstance(each, SyncRequested)]


@pytest.mark.parametrize("report", STOPS)
def test_the_catch_up_is_the_check_that_was_stopped_before_it_began(report: Report) -> None:
    sync = a_sync()
    changes = ended(sync, report)
    hold(sync, changes)
    assert sync.check_owed
    release(sync, changes)
    catch_up = requests(changes)[-1]
    assert (catch_up.trigger, catch_up.check_everything) == (Trigger.CATCH_UP, True)
    assert not sync.check_owed
    assert changes.runs[-1].check_everything


@pytest.mark.parametrize("report", FAILURES)
def test_a_check_that_failed_before_it_began_goes_with_the_next_slot_and_not_at_once(
    report: Report,
) -> None:
    sync = a_sync()
    changes = ended(sync, report)
    assert len(requests(changes)) == 1, "what failed just now may fail again"
    claim(sync, sync.next_slot_at, changes)
    assert requests(changes)[-1].check_everything


def test_a_check_that_was_lost_is_owed_until_its_real_end_is_heard_of() -> None:
    sync = a_sync()
    changes = ended(sync, LOST)
    assert sync.check_owed
    apply(Report(RunStatus.SUCCEEDED, found=Findings()), changes.runs[-1], sync, NOON, changes)
    assert not sync.check_owed


@pytest.mark.parametrize(
    "report",
    [
        *(Report(each.status, cause=each.cause, found=Findings()) for each in STOPS + FAILURES),
        Report(RunStatus.SUCCEEDED, found=Findings()),
        Report(RunStatus.CANCELLED, cause=RunFailureCause.CANCELLED),
    ],
)
def test_a_check_that_has_begun_is_in_the_checkpoint_and_a_cancelled_one_given_up(
    report: Report,
) -> None:
    sync = a_sync()
    ended(sync, report)
    assert not sync.check_owed


def test_a_check_stays_owed_when_its_catch_up_is_held_or_paused_before_it_is_asked_for() -> None:
    sync = a_sync()
    changes = ended(sync, STOPS[0])
    for _ in range(2):
        hold(sync, changes)
        release(sync, changes, after=DAY)
        assert sync.is_checked, "it waits for its place in the spread"
    pauses.pause(sync, NOON, changes)
    pauses.resume(sync, NOON, Changes())
    claim(sync, sync.next_slot_at, changes)
    (_, check) = requests(changes)
    assert check.check_everything


def test_a_check_that_somebody_asked_for_is_owed_where_none_is_made_by_itself() -> None:
    sync = a_sync()
    ended(sync, FAILURES[0])
    FullChecks(every_days=0).look(sync, NOON)
    assert sync.check_owed


def hold(sync: Sync, changes: Changes) -> None:
    why = Hold(kind=HoldKind.CONNECTION, connection_id=AIRTABLE, cause="x", since=NOON)
    holds.hold(sync, why, NOON, changes)


def release(sync: Sync, changes: Changes, after: timedelta = timedelta()) -> None:
    holds.release(sync, lambda _: True, NOON, NOON + after, changes)


def test_nothing_is_checked_by_itself_where_that_is_turned_off() -> None:
    sync = looked_at(a_sync(YEARLY))
    FullChecks(every_days=0).look(sync, NOON)
    assert sync.check_at is None
    assert sync.due_at == sync.next_slot_at


@pytest.mark.parametrize("hours", [1, 24])
def test_the_quiet_hours_may_go_past_midnight(hours: int) -> None:
    checks = FullChecks(every_days=1, from_hour=23, hours=hours)
    for _ in range(50):
        sync = a_sync()
        checks.look(sync, NOON)
        assert sync.check_at
        since = (sync.check_at - NOON.replace(hour=23)) % DAY
        assert since < timedelta(hours=hours)


def test_the_moment_of_a_sync_is_the_same_in_every_process() -> None:
    id_ = new_id("syn")
    one, other = looked_at(a_sync(id=id_)), looked_at(a_sync(id=id_))
    assert one.check_at == other.check_at
