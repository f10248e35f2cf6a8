"""A timeline to be drawn: when a connection was there, and what became of each run; pure geometry.

Marks differ by form and by height, not by colour alone; the same is told beside it as a list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tablesync.dashboard.shown.times import Clock, span
from tablesync.dashboard.shown.words import counted, number

WIDTH, LEFT, RIGHT = 1_040, 96, 1_020
TICKS = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=7),
    timedelta(days=30),
)
MOST_TICKS = 9
NARROWEST = 3.0
# Narrower than that, words would run into each other.
ROOM_FOR_WORDS = 60.0


class Band(StrEnum):
    """What a connection was for a while."""

    UP = "up"
    GAP = "gap"
    CATCH_UP = "catch"


class Mark(StrEnum):
    """What became of a run, or of the slots of a gap."""

    RAN = "ran"
    FAILED = "failed"
    STOPPED = "stopped"
    MISSED = "missed"
    CAUGHT_UP = "caught_up"


@dataclass(frozen=True)
class Interval:
    """A stretch of time in which a connection was something, and how many slots that cost."""

    band: Band
    begun: datetime
    ended: datetime
    missed: int = 0


@dataclass(frozen=True)
class Point:
    """A run: what became of it, in a word, and its address."""

    mark: Mark
    at: datetime
    words: str
    href: str


@dataclass(frozen=True)
class DrawnBand:
    """A band at its place, with words above it if there is room."""

    band: Band
    x: float
    width: float
    words: str

    @property
    def middle(self) -> float:
        """Where its words stand."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class DrawnMark:
    """A mark at its place."""

    mark: Mark
    x: float
    href: str
    title: str


@dataclass(frozen=True)
class Edge:
    """Where the runs that are drawn begin, and what is said of those before it."""

    x: float
    words: str


@dataclass(frozen=True)
class Tick:
    """A moment that is named below."""

    x: float
    words: str


@dataclass(frozen=True)
class Timeline:
    """All that is drawn, and the same as sentences."""

    bands: Sequence[DrawnBand]
    marks: Sequence[DrawnMark]
    ticks: Sequence[Tick]
    now: float | None
    told: Sequence[str]
    runs_from: Edge | None


def timeline(
    begun: datetime,
    ended: datetime,
    intervals: Sequence[Interval],
    points: Sequence[Point],
    clock: Clock,
    *,
    older: datetime | None = None,
) -> Timeline:
    """Lay out what happened between two moments; runs before `older` are not among the points."""
    scale = _Scale(begun, ended)
    seen = [each for each in intervals if each.ended > begun and each.begun < ended]
    runs_from = _runs_from(scale, older, clock)
    return Timeline(
        bands=[_band(each, scale) for each in seen],
        marks=[
            *(_missed(each, scale, clock) for each in seen if each.missed),
            *(_mark(each, scale, clock) for each in points if begun <= each.at <= ended),
        ],
        ticks=_ticks(scale, clock),
        now=scale.x(clock.now) if begun <= clock.now <= ended else None,
        told=[
            *(_sentence(each, points, clock) for each in seen),
            *([runs_from.words] if runs_from else ()),
        ],
        runs_from=runs_from,
    )


@dataclass(frozen=True)
class _Scale:
    begun: datetime
    ended: datetime

    def x(self, moment: datetime) -> float:
        """Return where a moment stands, within the drawing."""
        share = (moment - self.begun) / (self.ended - self.begun)
        return round(LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT), 1)


def _band(interval: Interval, scale: _Scale) -> DrawnBand:
    end = scale.x(interval.ended)
    width = max(NARROWEST, round(end - scale.x(interval.begun), 1))
    x = max(LEFT, round(end - width, 1))  # one that goes on ends at now, however short it is
    words = f"Gap {span(interval.ended - interval.begun)}" if interval.band is Band.GAP else ""
    return DrawnBand(interval.band, x, width, words if width >= ROOM_FOR_WORDS else "")


def _missed(gap: Interval, scale: _Scale, clock: Clock) -> DrawnMark:
    """Return one mark for all slots of a gap: it stands in the middle of it."""
    told = f"{counted(gap.missed, 'slot')} missed, {_when(gap, clock)}"
    middle = (scale.x(gap.begun) + scale.x(gap.ended)) / 2
    return DrawnMark(Mark.MISSED, round(middle, 1), "", told)


def _mark(point: Point, scale: _Scale, clock: Clock) -> DrawnMark:
    title = f"{point.words}, {clock.on(point.at)}"
    return DrawnMark(point.mark, scale.x(point.at), point.href, title)


def _ticks(scale: _Scale, clock: Clock) -> list[Tick]:
    length = scale.ended - scale.begun
    step = next((each for each in TICKS if length / each <= MOST_TICKS), TICKS[-1])
    local = scale.begun.astimezone(clock.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = (midnight + step * each for each in range(int((length + timedelta(1)) / step) + 2))
    return [
        Tick(
            scale.x(each),
            f"{each.day} {each:%b}" if each.hour == each.minute == 0 else f"{each:%H:%M}",
        )
        for each in moments
        if scale.begun <= each <= scale.ended
    ]


def _sentence(interval: Interval, points: Sequence[Point], clock: Clock) -> str:
    within = [each for each in points if interval.begun <= each.at < interval.ended]
    when = _when(interval, clock)
    ran = counted(len(within), "run")
    match interval.band:
        case Band.GAP:
            return f"{when}: gap, {counted(interval.missed, 'slot')} missed."
        case Band.CATCH_UP:
            return f"{when}: catching up, {ran}{_bad(within)}."
    return f"{when}: connected, {ran}{_bad(within)}."


def _when(interval: Interval, clock: Clock) -> str:
    """Say from when to when; what is so now goes on."""
    return clock.between(interval.begun, interval.ended if interval.ended < clock.now else None)


def _bad(points: Sequence[Point]) -> str:
    """Say how many runs have not brought everything."""
    words = {Mark.FAILED: "failed", Mark.STOPPED: "stopped"}
    counts = ((sum(each.mark is mark for each in points), said) for mark, said in words.items())
    return "".join(f", {number(count)} of them {said}" for count, said in counts if count)


def _runs_from(scale: _Scale, older: datetime | None, clock: Clock) -> Edge | None:
    """Return where the runs begin that are drawn; None where those are all."""
    if older is None or older <= scale.begun:
        return None
    words = f"Runs before {clock.on(older)} are not drawn: they are in its history."
    return Edge(scale.x(older), words)
