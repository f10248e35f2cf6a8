"""What a connection has been through: a timeline, and its entries in words."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tablesync.contracts import RunStatus, Trigger
from tablesync.contracts.public_api.connections import ConnectionEntry, ConnectionView
from tablesync.contracts.public_api.receipts import ReceiptSummary
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
BACK = frozenset({"established", "reconnected"})
_LOST = frozenset({"revoked", "disconnected"})
_ENDS = {
    RunStatus.FAILED: (Mark.FAILED, "Failed run"),
    RunStatus.HELD: (Mark.STOPPED, "Held run"),
    RunStatus.INTERRUPTED: (Mark.STOPPED, "Stopped run"),
    RunStatus.CANCELLED: (Mark.STOPPED, "Cancelled run"),
}


@dataclass(frozen=True)
class Told:
    """One entry in words."""

    at: datetime
    icon: str
    tone: str
    sentence: str


def drawn_of(
    connection: ConnectionView,
    entries: Sequence[ConnectionEntry],
    runs: Sequence[RunView],
    receipts: Sequence[ReceiptSummary],
    clock: Clock,
    path_of_run: Callable[[str], str],
    *,
    older: datetime | None = None,
) -> Timeline:
    """Draw the last days of a connection; runs before `older` are not given."""
    ended, begun = clock.now, clock.now - SHOWN
    points = [
        _point(each, at, path_of_run) for each in runs if (at := each.started_at or _held(each))
    ]
    intervals = [
        each
        for known in _intervals(connection, entries, begun, ended)
        for each in _in_full(known, runs, receipts, ended)
    ]
    return timeline(begun, ended, intervals, points, clock, older=older)


def told_of(connection: ConnectionView, entries: Sequence[ConnectionEntry]) -> list[Told]:
    """Tell what a connection has been through."""
    return [_told(each, str(connection.provider)) for each in entries]


def _held(run: RunView) -> datetime | None:
    """Return when a run was refused that never began."""
    return run.requested_at if run.status == RunStatus.HELD else None


def _intervals(
    connection: ConnectionView,
    entries: Sequence[ConnectionEntry],
    begun: datetime,
    ended: datetime,
) -> list[Interval]:
    """Return when it was connected and when not, from what is known of its changes."""
    turns = sorted(
        (each for each in entries if each.kind in _LOST | BACK), key=lambda each: each.at
    )
    found: list[Interval] = []
    for number, turn in enumerate(turns):
        until = turns[number + 1].at if number + 1 < len(turns) else ended
        band = Band.GAP if turn.kind in _LOST else Band.UP
        if found and found[-1].band is band:  # lost, and then disconnected: one gap
            found[-1] = replace(found[-1], ended=until)
        else:
            found.append(Interval(band, turn.at, until))
    if not found:
        band = Band.UP if connection.badge in ("Connected", "Needs attention") else Band.GAP
        found = [Interval(band, max(begun, connection.changed_at), ended)]
    return found


def _in_full(
    known: Interval, runs: Sequence[RunView], receipts: Sequence[ReceiptSummary], now: datetime
) -> list[Interval]:
    """Return a gap with the slots that it missed; what was caught up first is a part by itself."""
    if known.band is Band.GAP:
        missed = sum(
            each.slots_missed
            for each in receipts
            if each.lost_at < known.ended and (each.back_at or now) > known.begun
        )
        return [replace(known, missed=missed)]
    until = min(known.ended, max(_catch_up_ends(known, runs, now), default=known.begun))
    parts = (replace(known, band=Band.CATCH_UP, ended=until), replace(known, begun=until))
    return [each for each in parts if each.begun < each.ended]


def _catch_up_ends(known: Interval, runs: Sequence[RunView], now: datetime) -> Iterator[datetime]:
    """Yield when catch-ups ended, or now, that were begun in an interval for a gap before it."""
    for each in runs:
        at, gap = each.started_at, each.gap
        if each.trigger != Trigger.CATCH_UP or at is None or gap is None:
            continue
        if known.begun <= at < known.ended and gap.from_ < known.begun:
            yield each.ended_at or now


def _point(run: RunView, at: datetime, path_of_run: Callable[[str], str]) -> Point:
    caught_up = run.trigger == Trigger.CATCH_UP
    well = (Mark.CAUGHT_UP, "Catch-up run") if caught_up else (Mark.RAN, "Run")
    mark, words = next((end for status, end in _ENDS.items() if run.status == status), well)
    return Point(mark, at, words, path_of_run(run.id))


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
