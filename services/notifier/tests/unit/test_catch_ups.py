"""How a sync's catch-up is judged, from its events and from what scheduler says of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tablesync.contracts import Gap, RunCounts, RunStatus, SyncStatus
from tablesync.contracts.internal_api import AffectedSync, CatchUp
from tablesync.notifier.catch_ups import SETTLE_SECONDS, CatchUps, NoCatchUp, belongs
from tablesync.notifier.models import CatchUpEnd, ConnectionIncident, HoldState

pytestmark = pytest.mark.unit
LOST = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
BACK = LOST + timedelta(minutes=12)
GAP = Gap(from_=LOST, to=BACK, slots_missed=2)
NOTHING_MISSED = Gap(from_=LOST, to=BACK, slots_missed=0)
COUNTS = RunCounts(read=3, written=2, unchanged=1)
LATE, EARLY = SETTLE_SECONDS, SETTLE_SECONDS - 1
INCIDENT = ConnectionIncident.model_validate(
    {
        "_id": "inc_1",
        "key": "con_1/1",
        "workspace_id": "ws_1",
        "connection_id": "con_1",
        "provider": "hubspot",
        "account": {"id": "7001", "name": "Acme"},
        "owner_id": "op_1",
        "cause": "app_uninstalled",
        "lost_at": LOST,
        "status": "closed",
        "opened_at": LOST,
        "closed_at": BACK,
    }
)


def sync(**changes: Any) -> AffectedSync:
    fields = {"sync_id": "syn_1", "name": "Contacts", "object": "contacts", "status": "active"}
    return AffectedSync.model_validate(fields | changes)


def hold(**changes: Any) -> HoldState:
    why = {"kind": "connection", "connection_id": "con_1", "cause": "x", "since": LOST}
    fields = {
        "_id": "syn_1",
        "workspace_id": "ws_1",
        "name": "Contacts",
        "sequence": 1,
        "held": False,
        "hold": why,
        "gap": GAP,
    }
    return HoldState.model_validate(fields | changes)


def judged(
    elapsed: float, *states: HoldState, ended: RunStatus | None = None, told: str = "run_1"
) -> CatchUps:
    ends = {}
    if ended:
        end = {"_id": told, "sync_id": "syn_1", "status": ended, "counts": COUNTS}
        ends[told] = CatchUpEnd.model_validate(end | {"received_at": BACK})
    return CatchUps(INCIDENT, elapsed, {each.sync_id: each for each in states}, ends)


@pytest.mark.parametrize("status", [each for each in RunStatus if each.ended])
def test_an_end_that_was_heard_of_is_told_with_its_gap(status: RunStatus) -> None:
    found = judged(EARLY, hold(catch_up_run_id="run_1"), ended=status).of(sync())
    assert (found.status, found.counts, found.gap) == (status, COUNTS, GAP)
    assert found.settled


@pytest.mark.parametrize(
    ("state", "status", "settled"),
    [
        (hold(catch_up_run_id="run_1"), NoCatchUp.WAITING, False),
        (hold(gap=NOTHING_MISSED), NoCatchUp.UNMISSED, True),
        (hold(), NoCatchUp.PAUSED, True),
        (hold(gap=NOTHING_MISSED.model_copy(update={"interrupted": True})), NoCatchUp.PAUSED, True),
    ],
)
def test_a_release_without_an_end_says_what_is_to_come(
    state: HoldState, status: NoCatchUp, settled: bool
) -> None:
    for catch_ups in (judged(EARLY, state), judged(LATE, state)):
        for found in (catch_ups.of(sync()), *catch_ups.by_events()):
            assert (found.status, found.settled) == (status, settled)


def test_what_is_still_held_by_this_connection_waits() -> None:
    by_us = {"kind": "connection", "connection_id": "con_1", "cause": "x", "since": LOST}
    by_another = by_us | {"connection_id": "con_2"}
    catch_ups = judged(LATE)
    assert catch_ups.of(sync(hold=by_us)).status is NoCatchUp.WAITING
    elsewhere = catch_ups.of(sync(status="held", hold=by_another, gap=GAP))
    assert (elsewhere.status, elsewhere.gap) == (NoCatchUp.ON_HOLD, GAP)
    assert elsewhere.runs == "once its connection is reconnected"
    (still_held,) = judged(LATE, hold(held=True)).by_events()
    assert still_held.status is NoCatchUp.WAITING


@pytest.mark.parametrize(("elapsed", "status"), [(EARLY, "waiting"), (LATE, "unmissed")])
def test_a_sync_of_which_nothing_is_known_missed_nothing_once_events_had_time(
    elapsed: float, status: str
) -> None:
    assert judged(elapsed).of(sync()).status == status


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (RunStatus.REQUESTED, RunStatus.RUNNING),
        (RunStatus.QUEUED, RunStatus.RUNNING),
        (RunStatus.RUNNING, RunStatus.RUNNING),
        (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED),
        (RunStatus.CANCELLED, RunStatus.CANCELLED),
    ],
)
def test_without_events_scheduler_is_believed(told: RunStatus, status: RunStatus) -> None:
    catch_up = CatchUp(run_id="run_1", status=told, counts=COUNTS)
    found = judged(LATE).of(sync(gap=GAP, catch_up=catch_up))
    assert (found.status, found.counts, found.gap) == (status, COUNTS, GAP)


def test_an_end_that_scheduler_has_not_heard_of_yet_counts() -> None:
    catch_up = CatchUp(run_id="run_1", status=RunStatus.RUNNING)
    found = judged(EARLY, ended=RunStatus.SUCCEEDED).of(sync(gap=GAP, catch_up=catch_up))
    assert (found.status, found.counts) == (RunStatus.SUCCEEDED, COUNTS)


@pytest.mark.parametrize(
    ("elapsed", "status"), [(EARLY, NoCatchUp.WAITING), (LATE, RunStatus.SUCCEEDED)]
)
def test_an_end_whose_gap_is_not_known_waits_for_its_release(elapsed: float, status: str) -> None:
    catch_up = CatchUp(run_id="run_1", status=RunStatus.SUCCEEDED)
    assert judged(elapsed).of(sync(catch_up=catch_up)).status == status


def test_the_catch_up_of_an_earlier_loss_is_not_this_ones() -> None:
    earlier = Gap(from_=LOST - timedelta(days=2), to=LOST - timedelta(days=1), slots_missed=9)
    catch_up = CatchUp(run_id="run_0", status=RunStatus.SUCCEEDED)
    paused = sync(status=SyncStatus.PAUSED, gap=earlier, catch_up=catch_up)
    assert judged(LATE).of(paused).status is NoCatchUp.UNMISSED
    assert not belongs(hold(gap=earlier), INCIDENT)
    assert belongs(hold(gap=GAP), INCIDENT)
    assert belongs(hold(gap=earlier, held=True), INCIDENT)
