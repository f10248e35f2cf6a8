"""What a connection has been through: a timeline, and its entries in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tablesync.contracts import RunStatus, Trigger
from tablesync.contracts.public_api.connections import ConnectionEntry, ConnectionView
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.wording import loss, provider_label
from tablesync.dashboard.shown.timeline import (
    Band,
    Interval,
    Mark,
    Point,
    Timeline,
    timeline,
)
from tablesync.dashboard.shown.times import Clock

SHOWN = timedelta(days=7)
_LOST = frozenset({"revoked", "disconnected"})
_BACK = frozenset({"established", "reconnected"})


@dataclass(frozen=True)
class Told:
    """One entry in words."""

    at: datetime
    icon: str
    tone: str
    sentence: str


@dataclass(frozen=True)
class History:
    """A timeline of the last days, and everything in words, newest first."""

    drawn: Timeline
    entries: Sequence[Told]


def history_of(
    connection: ConnectionView,
    entries: Sequence[ConnectionEntry],
    runs: Sequence[RunView],
    clock: Clock,
    path_of_run: Callable[[str], str],
) -> History:
    """Return what is shown of a connection's past."""
    ended, begun = clock.now, clock.now - SHOWN
    told = [_told(each, str(connection.provider)) for each in entries]
    points = [_point(each, path_of_run) for each in runs if each.started_at]
    drawn = timeline(begun, ended, _intervals(connection, entries, begun, ended), points, clock)
    return History(drawn, told)


def _intervals(
    connection: ConnectionView,
    entries: Sequence[ConnectionEntry],
    begun: datetime,
    ended: datetime,
) -> list[Interval]:
    """Return when it was connected and when not, from what is known of its changes."""
    turns = sorted(
        (each for each in entries if each.kind in _LOST | _BACK), key=lambda each: each.at
    )
    found: list[Interval] = []
    for number, turn in enumerate(turns):
        until = turns[number + 1].at if number + 1 < len(turns) else ended
        band = Band.GAP if turn.kind in _LOST else Band.UP
        found.append(Interval(band, turn.at, until))
    if not found:
        band = Band.UP if connection.badge in ("Connected", "Needs attention") else Band.GAP
        found = [Interval(band, max(begun, connection.changed_at), ended)]
    return found


def _point(run: RunView, path_of_run: Callable[[str], str]) -> Point:
    assert run.started_at
    mark = Mark.CAUGHT_UP if run.trigger == Trigger.CATCH_UP else Mark.RAN
    if run.status == RunStatus.FAILED:
        mark = Mark.FAILED
    return Point(mark, run.started_at, path_of_run(run.id))


def _told(entry: ConnectionEntry, provider: str) -> Told:
    label, by = provider_label(provider), f" by {entry.by.name}" if entry.by else ""
    match entry.kind:
        case "established":
            return Told(entry.at, "check", "good", f"Connected{by}.")
        case "reconnected":
            return Told(entry.at, "check", "good", f"Reconnected{by}.")
        case "revoked":
            return Told(entry.at, "cross", "bad", loss(entry.cause, provider))
        case "disconnected":
            return Told(entry.at, "minus", "idle", f"Disconnected{by}.")
        case "renamed":
            return Told(entry.at, "rename", "idle", f"Renamed{by}.")
    return Told(entry.at, "clock", "idle", f"{label}: {entry.kind.replace('_', ' ')}{by}.")
