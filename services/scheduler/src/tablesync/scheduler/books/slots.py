"""What became of each slot, and why: read from schedules, runs, gaps and pauses.

Slots are not stored. A run stands for its own and for those before it that it was coalesced with;
whatever else came due while a sync was paused or held passed by. Neighbours that are alike are one
line, so that a gap of a million slots is one, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from tablesync.contracts import HoldKind, Overlap, RunFailureCause, RunStatus
from tablesync.contracts.public_api.ledger import SlotOutcome
from tablesync.contracts.public_api.schedules import Schedule
from tablesync.contracts.wording import loss, one_line
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.schedules import earlier, next_slot, slots_between
from tablesync.scheduler.domain.syncs import ClosedPause, Pause, Sync

_TICK = timedelta(milliseconds=1)
_STOPS = {
    RunFailureCause.CONNECTION,
    RunFailureCause.RESOURCE,
    RunFailureCause.MAPPING,
    RunFailureCause.QUOTA,
}
_RUNS = {
    RunStatus.REQUESTED: "It is about to begin.",
    RunStatus.RUNNING: "It is running.",
    RunStatus.SUCCEEDED: "It ran.",
    RunStatus.FAILED: "It failed.",
    RunStatus.CANCELLED: "It was cancelled.",
}
_STOPPED = "Its run was stopped before it had brought everything."
_COALESCED = "The run after it stands for it too: it came due while another one was under way."
_SKIPPED = "It came due while a run was under way, and was passed over."
_DUE = "It is due, and waits for its turn."
_UNKNOWN = "What became of it is not kept any more."


@dataclass(frozen=True)
class SlotLine:
    """A slot, or several in a row, and what became of them."""

    first: datetime
    last: datetime
    slots: int
    outcome: SlotOutcome
    reason: str
    run_id: str | None = None
    by: str | None = None

    def takes_in(self, older: "SlotLine") -> bool:
        """Whether the line before says the same; a run has a line of its own."""
        ours = (self.outcome, self.reason, self.by)
        alike = ours == (older.outcome, older.reason, older.by)
        return alike and self.run_id is None is older.run_id


@dataclass(frozen=True)
class History:
    """What is known of a sync's past; `runs` have slots, newest first, all since `floor`.

    Runs that ended before `kept_since` are forgotten.
    """

    runs: Sequence[Run]
    gaps: Sequence[ClosedGap]
    pauses: Sequence[ClosedPause]
    kept_since: datetime
    floor: datetime | None = None


@dataclass(frozen=True)
class _Span:
    """A time in which all slots that no run stands for had one fate: after `start`, until `end`."""

    start: datetime
    end: datetime
    outcome: SlotOutcome
    reason: str
    by: str | None = None


def slot_lines(sync: Sync, known: History, now: datetime, before: datetime) -> list[SlotLine]:
    """Return what became of the slots before a moment and after the floor, newest first.

    The sync's slots are counted until now.
    """
    spans = [*_spans(sync, known, now)]
    own = {run.slot: run for run in known.runs if run.slot}
    lines: list[SlotLine] = []
    for schedule, anchor, until in _segments(sync, now):
        start = max(anchor, known.floor or anchor)
        for line in _lines_of(schedule, anchor, (start, min(until, before - _TICK)), spans, own):
            if lines and lines[-1].takes_in(line):
                lines[-1] = replace(lines[-1], first=line.first, slots=lines[-1].slots + line.slots)
            else:
                lines.append(line)
    return lines


def _segments(sync: Sync, now: datetime) -> Iterator[tuple[Schedule, datetime, datetime]]:
    """Yield each schedule with its anchor and its end, the newest first."""
    yield sync.schedule, sync.anchor, now
    for each in reversed(sync.past_schedules):
        yield each.schedule, each.anchor, each.until


def _lines_of(
    schedule: Schedule,
    anchor: datetime,
    within: tuple[datetime, datetime],
    spans: Sequence[_Span],
    own: Mapping[datetime, Run],
) -> Iterator[SlotLine]:
    """Yield a line for each stretch of one schedule in which nothing changes, newest first."""
    start, end = within
    near = [each for each in spans if each.end > start and each.start < end]
    cuts = {start, end, *(cut for each in near for cut in (each.start, each.end))}
    cuts |= {cut for slot in own if slot for cut in (slot - _TICK, slot)}
    inside = sorted((each for each in cuts if start <= each <= end), reverse=True)
    for newer, older in pairwise(inside):
        if slots := slots_between(schedule, anchor, older, newer):
            first = next_slot(schedule, anchor, older)
            run = own.get(newer) if newer == first else None
            fate = _fate_of(run) if run else _fate_within(near, older, newer)
            yield SlotLine(
                first,
                slots.last,
                slots.count,
                fate.outcome,
                fate.reason,
                run_id=run.id if run else None,
                by=fate.by,
            )


def _fate_within(spans: Iterable[_Span], older: datetime, newer: datetime) -> _Span:
    return next(
        (each for each in spans if each.start <= older and newer <= each.end),
        _Span(older, newer, SlotOutcome.FORGOTTEN, _UNKNOWN),
    )


def _fate_of(run: Run) -> _Span:
    """Return what became of a run's own slot."""
    at = run.slot or run.requested_at
    if _was_stopped(run):
        return _Span(at, at, SlotOutcome.HELD, run.summary or _STOPPED)
    return _Span(at, at, SlotOutcome.RUN, run.summary or _RUNS.get(run.status, "It ran."))


def _was_stopped(run: Run) -> bool:
    return run.status in {RunStatus.INTERRUPTED, RunStatus.HELD} or run.cause in _STOPS


def _spans(sync: Sync, known: History, now: datetime) -> Iterator[_Span]:
    """Yield what decides about slots without a run of their own; of two the first decides."""
    yield _Span(sync.next_slot_at - _TICK, now, SlotOutcome.TO_COME, _DUE)
    if waiting := sync.waiting:
        since = earlier(sync.schedule, waiting.slot, waiting.slots)
        yield _Span(since, waiting.slot, SlotOutcome.TO_COME, _DUE)
    for run in known.runs:
        if run.slot and run.coalesced_slots:
            yield _coalesced(run, run.slot, sync)
    stops = [*_pauses(sync, known, now), *_gaps(sync, known, now)]
    during = [
        _Span(run.slot or run.requested_at, run.ended_at or now, SlotOutcome.SKIPPED, _SKIPPED)
        for run in known.runs
    ]
    yield from stops
    if sync.overlap is Overlap.SKIP:
        yield from during
    # What was due, and nobody had looked at, or waited for a run to end, went with the stop.
    for each in sorted(stops, key=lambda stop: stop.start):
        yield replace(each, start=_run_before(each.start, known))
    yield from during


def _run_before(moment: datetime, known: History) -> datetime:
    slots = (run.slot for run in known.runs if run.slot and run.slot < moment)
    return next(slots, min(moment, known.kept_since))


def _coalesced(run: Run, slot: datetime, sync: Sync) -> _Span:
    in_force = (each.schedule for each in sync.past_schedules if slot <= each.until)
    since = earlier(next(in_force, sync.schedule), slot, run.coalesced_slots + 1)
    if _was_stopped(run):
        return _Span(since, slot, SlotOutcome.HELD, run.summary or _STOPPED)
    return _Span(since, slot, SlotOutcome.COALESCED, _COALESCED)


def _pauses(sync: Sync, known: History, now: datetime) -> Iterator[_Span]:
    for each in known.pauses:
        yield _paused(each, each.until)
    if sync.paused:
        # One of an earlier version does not say since when.
        yield _paused(sync.pause or Pause(since=sync.created_at), now)


def _paused(pause: Pause, until: datetime) -> _Span:
    whole = "All syncs of its connection were paused." if pause.connection_id else None
    reason = whole or "The sync was paused."
    return _Span(pause.since, until, SlotOutcome.PAUSED, reason, pause.by)


def _gaps(sync: Sync, known: History, now: datetime) -> Iterator[_Span]:
    gaps = [(each.gap, each.hold) for each in known.gaps]
    if sync.gap:
        gaps.append((sync.gap, sync.hold))
    for gap, hold in gaps:
        reason = one_line(hold.cause) if hold else "Access to an account was lost."
        if hold and hold.kind is HoldKind.CONNECTION:
            reason = loss(hold.cause, sync.providers.get(hold.connection_id, "The provider"))
        yield _Span(gap.from_ - _TICK, gap.to or now, SlotOutcome.HELD, reason)
