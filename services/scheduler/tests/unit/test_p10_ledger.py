"""P10: the ledger balances, always, whatever happens to a sync and in whatever order."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scheduler_examples import AIRTABLE, HUBSPOT, NOON, a_sync
from tablesync.contracts import (
    Findings,
    Hold,
    HoldKind,
    Overlap,
    RunFailureCause,
    RunStatus,
    SyncHeld,
    SyncReleased,
    SyncRequested,
    Trigger,
)
from tablesync.contracts.public_api.schedules import Interval
from tablesync.scheduler.books import ledger
from tablesync.scheduler.books.slots import History, slot_lines
from tablesync.scheduler.domain import holds, pauses, run_outcomes
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.claims import claim, count_passed_slots, reschedule
from tablesync.scheduler.domain.run_outcomes import Report
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Ledger, Sync

pytestmark = pytest.mark.unit

CONNECTIONS = (HUBSPOT, AIRTABLE)
HELD = Report(RunStatus.HELD, cause=RunFailureCause.CONNECTION)
ENDS = (
    Report(RunStatus.SUCCEEDED),
    Report(RunStatus.FAILED, cause=RunFailureCause.PROVIDER),
    Report(RunStatus.CANCELLED, cause=RunFailureCause.CANCELLED),
    Report(RunStatus.INTERRUPTED, cause=RunFailureCause.CONNECTION),
    HELD,
    Report(RunStatus.FAILED, cause=RunFailureCause.RESOURCE),
    Report(RunStatus.FAILED, cause=RunFailureCause.QUOTA),
    Report(RunStatus.INTERRUPTED, cause=RunFailureCause.MAPPING),
    Report(RunStatus.SUCCEEDED, found=Findings()),
)
LOST = Report(RunStatus.FAILED, cause=RunFailureCause.INTERNAL, presumed=True)
commands = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 400)),
    st.tuples(st.just("tick"), st.just(0)),
    st.tuples(
        st.sampled_from(("pause", "resume", "recheck", "catch_up_owed", "owe_check")), st.just(0)
    ),
    st.tuples(st.sampled_from(("hold", "release")), st.sampled_from(CONNECTIONS)),
    st.tuples(st.just("start"), st.integers(0, 5)),
    st.tuples(st.just("presume_lost"), st.integers(0, 5)),
    st.tuples(
        st.sampled_from(("end", "end_of_presumed")),
        st.tuples(st.integers(0, 5), st.sampled_from(ENDS)),
    ),
    st.tuples(st.just("reschedule"), st.integers(1, 90)),
    st.tuples(st.just("overlap"), st.sampled_from(Overlap)),
)


@dataclass
class World:
    """One sync and everything that was decided about it; no debts stay of what was `let_off`.

    `book` is an account of its own of what was held and paused, by what was done to the sync;
    each slot until `looked_at` is in it, or was claimed.
    """

    sync: Sync
    now: datetime
    wants_check: bool = False
    let_off: set[str] = field(default_factory=set)
    book: Counter[str] = field(default_factory=Counter)
    changes: Changes = field(default_factory=Changes)
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    def __post_init__(self) -> None:
        self.looked_at = self.now

    @property
    def runs(self) -> list[Run]:
        return self.changes.runs

    @property
    def open_runs(self) -> list[Run]:
        ended = {each.run_id for each in self.changes.withdrawn}
        asked = {each.run_id for each in self.events(SyncRequested)}
        return [
            run
            for run in self.runs
            if not run.status.ended and run.id in asked and run.id not in ended
        ]

    @property
    def stopped_runs(self) -> list[Run]:
        return [run for run in self.runs if is_stopped(run)]

    @property
    def debts(self) -> list[Run]:
        """Runs that were stopped, with no catch-up planned since they were asked for."""
        catch_ups = [run.id for run in self.runs if run.trigger is Trigger.CATCH_UP]
        newest = max(catch_ups, default="")
        return [run for run in self.stopped_runs if run.id >= newest and run.id not in self.let_off]

    def events(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.changes.events if isinstance(each, kind)]

    @property
    def stop(self) -> str | None:
        """Where a slot goes that comes due now, if nobody may claim it."""
        if self.sync.paused:
            return "paused"
        return "held" if self.sync.holds else None

    def do(self, command: str, argument: Any) -> None:
        before, stopped = self.sync.model_copy(deep=True), self._slots_of_stopped_runs()
        stop = self.stop
        getattr(self, f"_{command}")(argument)
        self.book["held"] += self._slots_of_stopped_runs() - stopped
        if stop := stop or self.stop:
            self.book[stop] += self._slots_nobody_ran(before)
        if stop or command in {"tick", "reschedule"}:
            self.looked_at = self.now
        if self.sync.paused and not self.sync.holds:
            self._let_off()

    def _slots_of_stopped_runs(self) -> int:
        return sum(1 + run.coalesced_slots for run in self.stopped_runs if run.slot)

    def _slots_nobody_ran(self, sync: Sync) -> int:
        """Count the slots that passed since we looked, and those that waited for a run's end."""
        every = sync.schedule.length
        passed = (self.now - sync.anchor) // every - (self.looked_at - sync.anchor) // every
        return passed + (sync.waiting.slots if sync.waiting else 0)

    def _let_off(self) -> None:
        self.let_off |= {run.id for run in self.stopped_runs}

    def _pass(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds, milliseconds=self.dice.randrange(1000))

    def _tick(self, _: Any) -> None:
        if self.sync.claimable:
            claim(self.sync, self.now, self.changes)

    def _pause(self, _: Any) -> None:
        pauses.pause(self.sync, self.now, self.changes)

    def _resume(self, _: Any) -> None:
        pauses.resume(self.sync, self.now, self.changes)

    def _hold(self, connection_id: str) -> None:
        why = Hold(kind=HoldKind.CONNECTION, connection_id=connection_id, cause="x", since=self.now)
        holds.hold(self.sync, why, self.now, self.changes)

    def _release(self, connection_id: str) -> None:
        later = self.now + timedelta(seconds=self.dice.randrange(30))
        gone = holds.of_connection(connection_id)
        holds.release(self.sync, gone, self.now, later, self.changes)

    def _recheck(self, _: Any) -> None:
        found = holds.of_contents(self.sync)
        refilled = holds.of_refilled_quota(self.now + timedelta(days=2))
        holds.release(
            self.sync,
            lambda each: found(each) or refilled(each),
            self.now,
            self.now,
            self.changes,
        )

    def _catch_up_owed(self, _: Any) -> None:
        if self.sync.missed and not self.sync.holds:
            if self.sync.planned:  # it covers what was stopped since it was planned as well
                self._let_off()
            holds.catch_up_late(self.sync, self.now, self.now, self.changes)

    def _owe_check(self, _: Any) -> None:
        self.sync.check_owed = self.wants_check = True

    def _start(self, which: int) -> None:
        report = Report(RunStatus.RUNNING, started_at=self.now)
        self._report(which, report, self.open_runs)

    def _presume_lost(self, which: int) -> None:
        self._report(which, LOST, self.open_runs)

    def _end(self, argument: tuple[int, Report]) -> None:
        self._report(*argument, self.open_runs)

    def _end_of_presumed(self, argument: tuple[int, Report]) -> None:
        self._report(*argument, [run for run in self.runs if run.presumed])

    def _report(self, which: int, report: Report, among: list[Run]) -> None:
        if among:
            run = among[which % len(among)]
            run_outcomes.apply(report, run, self.sync, self.now, self.changes)
            if run.ended:
                again = run_outcomes.apply(report, run, self.sync, self.now, self.changes)
                assert not again, "an end is final"

    def _reschedule(self, seconds: int) -> None:
        reschedule(self.sync, Interval(every_seconds=seconds), self.now, self.changes)

    def _overlap(self, overlap: Overlap) -> None:
        self.sync.overlap = overlap


def check(world: World) -> None:
    """What must be true at every moment."""
    statement = ledger.statement(world.sync, world.changes.gaps, world.now)
    assert statement.agrees
    assert (statement.held, statement.paused) == (world.book["held"], world.book["paused"])
    assert statement.balanced == (not is_late(world)), "balanced is said of books up to date alone"
    assert min(world.sync.ledger.model_dump().values()) >= 0
    slots = Counter(run.slot for run in world.runs if run.slot)
    assert all(count == 1 for count in slots.values()), "no slot twice"
    requests = Counter(each.run_id for each in world.events(SyncRequested))
    assert all(count == 1 for count in requests.values()), "no run is asked for twice"
    assert world.sync.ledger.run + world.sync.ledger.coalesced == served(world)
    assert bool(world.sync.holds) == _open_holds(world)
    assert (world.sync.waiting is None) or world.sync.claimable
    assert (world.sync.planned is None) or world.sync.claimable
    if world.sync.holds:
        assert world.sync.missed
    assert not world.wants_check or is_check_on_its_way(world), "a check is never lost"
    for run in world.debts:
        missed = world.sync.missed
        assert missed, "what was stopped is owed"
        assert missed.owed
        since = run.gap.from_ if run.gap else run.slot
        assert since
        assert missed.from_ <= since


def is_late(world: World) -> bool:
    """Whether a slot has come due that nobody looked at for longer than a tick may take."""
    unclaimed = world.now - world.sync.next_slot_at
    return world.sync.claimable and unclaimed >= ledger.LATE


def is_check_on_its_way(world: World) -> bool:
    """Whether a check is owed, or its run is open, or began it, or was cancelled."""
    withdrawn = {each.run_id for each in world.changes.withdrawn}
    asked = [run for run in world.runs if run.id == world.sync.check_run_id]
    return world.sync.check_owed or any(
        (not run.status.ended and run.id not in withdrawn)
        or run.found is not None
        or run.status is RunStatus.CANCELLED
        for run in asked
    )


def _open_holds(world: World) -> bool:
    last = [each for each in world.changes.events if isinstance(each, SyncHeld | SyncReleased)]
    return bool(last) and isinstance(last[-1], SyncHeld)


def served(world: World) -> int:
    """Slots that runs stand for, by the runs themselves: what ledger and history must agree on."""
    waiting = world.sync.waiting.slots if world.sync.waiting else 0
    return waiting + sum(
        1 + run.coalesced_slots for run in world.runs if run.slot and not is_stopped(run)
    )


def is_stopped(run: Run) -> bool:
    causes = {
        RunFailureCause.CONNECTION,
        RunFailureCause.RESOURCE,
        RunFailureCause.MAPPING,
        RunFailureCause.QUOTA,
    }
    return run.cause in causes or run.status in {RunStatus.INTERRUPTED, RunStatus.HELD}


# A run is presumed lost, and the slot that waited for it becomes another; then both are stopped.
HEARD_OF_LATE = [
    *(("pass", 60), ("tick", 0), ("pass", 60), ("tick", 0), ("presume_lost", 0)),
    *(("end_of_presumed", (0, HELD)), ("end", (0, HELD)), ("catch_up_owed", 0)),
]
# A check is held before it begins, and its catch-up before it is asked for.
HELD_CHECK = [
    *(("owe_check", 0), ("pass", 60), ("tick", 0), ("end", (0, HELD))),
    *(("hold", HUBSPOT), ("release", HUBSPOT), ("hold", HUBSPOT)),
]
# Two slots wait for a run to end when the sync is stopped: they are not its last run's any more.
WAITING = [("pass", 60), ("tick", 0), ("pass", 120), ("tick", 0)]


@settings(max_examples=150, deadline=None)
@given(st.lists(commands, min_size=1, max_size=40))
@example(HEARD_OF_LATE)
@example(HELD_CHECK)
@example([*WAITING, ("pause", 0)])
@example([*WAITING, ("hold", HUBSPOT), ("pause", 0), ("pass", 60)])
def test_p10_the_ledger_balances_whatever_happens(steps: list[tuple[str, Any]]) -> None:
    sync = a_sync()
    world = World(sync, sync.anchor)
    for command, argument in steps:
        world.do(command, argument)
        check(world)


@settings(max_examples=150, deadline=None)
@given(st.lists(commands, min_size=1, max_size=40))
@example([*WAITING, ("pause", 0)])
@example([*WAITING, ("hold", HUBSPOT), ("pause", 0), ("pass", 60)])
def test_p10_each_slot_is_told_once_as_the_ledger_has_it(steps: list[tuple[str, Any]]) -> None:
    sync = a_sync()
    world = World(sync, sync.anchor)
    for command, argument in steps:
        world.do(command, argument)
    count_passed_slots(sync, world.now)
    runs = sorted((r for r in world.runs if r.slot), key=lambda r: r.slot or NOON, reverse=True)
    known = History(runs, world.changes.gaps, world.changes.pauses, kept_since=NOON)
    lines = slot_lines(sync, known, world.now, world.now + timedelta(days=1))
    statement = ledger.statement(sync, [], world.now)
    told: Counter[str] = Counter()
    for line in lines:
        told[line.outcome] += line.slots
    assert told.total() == statement.due + statement.unaccounted
    assert all(newer.first > older.last for newer, older in pairwise(lines))
    served = sum(told[each] for each in ("run", "coalesced", "to_come"))
    assert served == statement.run + statement.coalesced + statement.unaccounted
    assert (told["held"], told["paused"]) == (statement.held, statement.paused)
    assert (told["skipped"], told["forgotten"]) == (statement.skipped, 0)


@pytest.mark.parametrize("account", list(Ledger.model_fields))
def test_p10_a_slot_too_many_in_any_account_is_noticed(account: str) -> None:
    sync = a_sync(ledger=Ledger(**{account: 1}))
    statement = ledger.statement(sync, [], sync.anchor)
    assert not statement.agrees
    assert not statement.balanced


@settings(max_examples=100, deadline=None)
@given(st.lists(commands, min_size=1, max_size=30))
def test_p09_a_release_brings_at_most_one_catch_up_and_a_missed_slot_brings_one(
    steps: list[tuple[str, Any]],
) -> None:
    sync = a_sync()
    world = World(sync, sync.anchor)
    for command, argument in steps:
        world.do(command, argument)
    paused = sync.paused
    before = [run.id for run in world.runs if run.trigger is Trigger.CATCH_UP]
    for connection_id in CONNECTIONS:
        world.do("hold", connection_id)
    world.do("pass", 2 * sync.schedule.every_seconds)
    for connection_id in CONNECTIONS:
        world.do("release", connection_id)
        world.do("release", connection_id)
    world.do("recheck", 0)
    catch_ups = [
        run for run in world.runs if run.trigger is Trigger.CATCH_UP and run.id not in before
    ]
    assert len(catch_ups) == (0 if paused else 1)
    if catch_ups:
        assert catch_ups[0].gap
        assert catch_ups[0].gap.slots_missed >= 2
