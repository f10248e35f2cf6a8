"""What a card says of its connection, by the state that it is in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from tablesync.contracts.public_api.connection_uses import CatchUpProgress
from tablesync.contracts.public_api.syncs import SyncState
from tablesync.contracts.wording import loss
from tablesync.dashboard.shown import badges
from tablesync.dashboard.shown.badges import Badge
from tablesync.dashboard.shown.connections.subject import Fact, Subject
from tablesync.dashboard.shown.connections.sync_states import how_syncs_are, wait
from tablesync.dashboard.shown.words import are, counted, number


class Rank(IntEnum):
    """In which order cards stand: worst first, and within a rank by their names."""

    DISCONNECTED = 0
    NEEDS_ATTENTION = 1
    UNDER_WAY = 2
    CATCHING_UP = 3
    CONNECTED = 4
    DISCONNECTED_BY_YOU = 5


@dataclass(frozen=True)
class Action:
    """What a card offers first; `strength` is a class of the button."""

    words: str
    strength: str


@dataclass(frozen=True)
class Face:
    """What a card says, by the state of its connection."""

    badge: Badge
    rank: Rank
    since: str
    sentence: str
    facts: Sequence[Fact]
    action: Action | None = None
    stripe: str = ""


def face_of(subject: Subject) -> Face:
    """Return what is said of a connection."""
    return _FACES.get(subject.connection.badge, _unknown)(subject)


def _disconnected(subject: Subject) -> Face:
    connection, waiting = subject.connection, subject.count(SyncState.WAITING)
    kept = "rows, mappings and schedules stay as they are."
    syncs = f"{counted(waiting, 'sync')} {wait(waiting)}; {kept}" if waiting else ""
    return Face(
        badge=badges.DISCONNECTED,
        rank=Rank.DISCONNECTED,
        since=subject.since,
        sentence=f"{loss(connection.cause, str(connection.provider))} {syncs}".strip(),
        facts=[subject.gap, subject.slots_missed, subject.last_success],
        action=Action(f"Reconnect {subject.label}", "main"),
        stripe="is-bad",
    )


def _needs_attention(subject: Subject) -> Face:
    found = [each.message for each in subject.connection.findings]
    # What auth-service tells of too is said once.
    told = " ".join(found or subject.lacks)
    return Face(
        badge=badges.NEEDS_ATTENTION,
        rank=Rank.NEEDS_ATTENTION,
        since=subject.since,
        sentence=told or f"{subject.label} does not let TableSync do all that its syncs need.",
        facts=[subject.syncs, subject.gap, subject.last_success],
        action=Action(f"Reconnect {subject.label}", "ask"),
        stripe="is-warn",
    )


def _connected(subject: Subject) -> Face:
    if subject.lacks:
        return _needs_attention(subject)
    if subject.use and subject.use.catch_up:
        return _catching_up(subject, subject.use.catch_up)
    return Face(
        badge=badges.CONNECTED,
        rank=Rank.CONNECTED,
        since=subject.since,
        sentence=how_syncs_are(subject.use),
        facts=[subject.syncs, subject.last_success, subject.next_run],
    )


def _catching_up(subject: Subject, progress: CatchUpProgress) -> Face:
    gap, clock = progress.gap, subject.clock
    missed = clock.between(gap.from_, gap.to)
    return Face(
        badge=badges.CONNECTED,
        rank=Rank.CATCHING_UP,
        since=f"reconnected {clock.on(subject.connection.changed_at)}",
        sentence=f"Catching up on the gap {missed}. {_how_far(progress)}",
        facts=[
            Fact("Records read", number(progress.counts.read)),
            Fact("Slots missed", number(gap.slots_missed)),
            Fact("Rejected", number(progress.counts.rejected)),
        ],
    )


def _how_far(progress: CatchUpProgress) -> str:
    """Tell what has been brought, and apart from it what could not be."""
    well = progress.done - progress.failed
    done = f"{number(well)} of {counted(progress.total, 'sync')} {are(well)} done"
    failed = f", {number(progress.failed)} could not be caught up" if progress.failed else ""
    return f"{done}{failed}."


def _disconnected_by_you(subject: Subject) -> Face:
    connection, clock = subject.connection, subject.clock
    by = f"{connection.changed_by.name}, " if connection.changed_by else ""
    syncs = subject.use.syncs if subject.use else 0
    keep = "waits and keeps its" if syncs == 1 else "wait and keep their"
    kept = f"Its {counted(syncs, 'sync')} {keep} settings and history. " if syncs else ""
    return Face(
        badge=badges.DISCONNECTED_BY_YOU,
        rank=Rank.DISCONNECTED_BY_YOU,
        since=f"{by}{clock.on(connection.changed_at)}",
        sentence=kept + " ".join(each.message for each in connection.findings),
        facts=[subject.syncs, subject.gap, subject.last_success],
        action=Action("Connect again", ""),
    )


def _unknown(subject: Subject) -> Face:
    """Show a connection whose badge this version does not know."""
    return Face(
        badge=badges.of_connection(subject.connection.badge),
        rank=Rank.NEEDS_ATTENTION,
        since=subject.since,
        sentence=" ".join(each.message for each in subject.connection.findings),
        facts=[subject.syncs, subject.last_success],
    )


_FACES: Mapping[str, Callable[[Subject], Face]] = {
    badges.DISCONNECTED.word: _disconnected,
    badges.NEEDS_ATTENTION.word: _needs_attention,
    badges.CONNECTED.word: _connected,
    badges.DISCONNECTED_BY_YOU.word: _disconnected_by_you,
}
