"""The cards of the first page: what of a connection matters now, and the one thing to do."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from tablesync.contracts.public_api.connection_uses import CatchUpProgress, ConnectionUse
from tablesync.contracts.public_api.connections import (
    AuthorizationView,
    ConnectionView,
    ProviderView,
)
from tablesync.contracts.public_api.syncs import SyncState
from tablesync.contracts.wording import loss, provider_label
from tablesync.dashboard.shown import badges
from tablesync.dashboard.shown.badges import Badge
from tablesync.dashboard.shown.times import Clock, span
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.shown.words import are, counted, listed, number

NOT_KNOWN, NONE_YET = "not known", "none yet"
MOST_NAMED = 3
# What one sync does, and what more do, worst first.
_DOING: Mapping[SyncState, tuple[str, str]] = {
    SyncState.FAILING: ("fails", "fail"),
    SyncState.WAITING: ("waits", "wait"),
    SyncState.FINE: ("is fine", "are fine"),
    SyncState.NEW: ("has not run yet", "have not run yet"),
    SyncState.PAUSED: ("is paused", "are paused"),
}


class Rank(IntEnum):
    """In which order cards stand: worst first, and within a rank by their names."""

    DISCONNECTED = 0
    NEEDS_ATTENTION = 1
    UNDER_WAY = 2
    CATCHING_UP = 3
    CONNECTED = 4
    DISCONNECTED_BY_YOU = 5


@dataclass(frozen=True)
class Fact:
    """One of the three facts of a card; `moment` is the time that it tells, if it is one."""

    term: str
    told: str
    moment: datetime | None = None


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


@dataclass(frozen=True)
class Subject:
    """A connection and its use, which is None while scheduler does not tell."""

    connection: ConnectionView
    use: ConnectionUse | None
    clock: Clock

    @property
    def label(self) -> str:
        """Its provider's name."""
        return provider_label(str(self.connection.provider))

    def count(self, state: SyncState) -> int:
        """Return how many of its syncs are in a state."""
        return self.use.states.get(state, 0) if self.use else 0

    @property
    def lacks(self) -> Sequence[str]:
        """What syncs wait for that its account was not granted, in sentences."""
        return self.use.lacks if self.use else ()

    @property
    def since(self) -> str:
        """Since when it is as it is."""
        return f"since {self.clock.on(self.connection.changed_at)}"

    @property
    def syncs(self) -> Fact:
        """How many there are, and how many of them wait or are paused."""
        if self.use is None:
            return Fact("Syncs", NOT_KNOWN)
        total = self.use.syncs
        parts = [number(total)]
        for state in (SyncState.WAITING, SyncState.PAUSED):
            if count := self.count(state):
                who = "it" if total == 1 else "all" if count == total else number(count)
                parts.append(f"{who} {_doing(state, count)}")
        return Fact("Syncs", ", ".join(parts))

    @property
    def gap(self) -> Fact:
        """How long it has been missing."""
        return Fact("Gap so far", span(self.clock.now - self.connection.changed_at))

    @property
    def slots_missed(self) -> Fact:
        """How many runs were due meanwhile."""
        gap = self.use.gap if self.use else None
        told = number(gap.slots_missed if gap else 0)
        return Fact("Slots missed", told if self.use else NOT_KNOWN)

    @property
    def last_success(self) -> Fact:
        """When one of its syncs last brought all."""
        return self._moment("Last success", self.use.last_success_at if self.use else None)

    @property
    def next_run(self) -> Fact:
        """When the next of its syncs is due."""
        return self._moment("Next run", self.use.next_slot_at if self.use else None)

    def _moment(self, term: str, moment: datetime | None) -> Fact:
        if self.use is None:
            return Fact(term, NOT_KNOWN)
        return Fact(term, self.clock.near(moment), moment) if moment else Fact(term, NONE_YET)


@dataclass(frozen=True)
class Card:
    """A connection as the first page shows it, with an attempt to connect it that is under way."""

    subject: Subject
    provider: ProviderView | None
    under_way: AuthorizationView | None
    face: Face

    @property
    def connection(self) -> ConnectionView:
        """What it shows."""
        return self.subject.connection

    @property
    def id(self) -> str:
        """The id of its element."""
        return f"card-{self.connection.id}"

    @property
    def version(self) -> str:
        """What tells whether it has changed since it was last shown."""
        return version_of(self.connection, self.subject.use, self.under_way, self.face)

    @property
    def is_broken(self) -> bool:
        """Whether it needs somebody now."""
        return self.face.rank is Rank.DISCONNECTED

    @property
    def name(self) -> str:
        """What people call it."""
        return self.connection.name or self.connection.account.name

    @property
    def where(self) -> str:
        """Whose account it is: an address, or the shop's domain."""
        return self.connection.host or self.connection.account.email or ""

    @property
    def catch_up(self) -> CatchUpProgress | None:
        """How far its catch-ups are, while any is under way."""
        return self.subject.use.catch_up if self.subject.use else None

    @property
    def to_run(self) -> int:
        """How many syncs *Sync all now* would ask a run of; none while it is not connected."""
        use = self.subject.use
        return use.syncs if use and self.connection.status == "connected" else 0

    @property
    def to_pause(self) -> int:
        """How many syncs *Pause all* would pause."""
        use = self.subject.use
        return use.syncs - self.subject.count(SyncState.PAUSED) if use else 0

    @property
    def to_resume(self) -> int:
        """How many syncs were paused with it, and *Resume* would resume."""
        return self.subject.use.paused_with_it if self.subject.use else 0


@dataclass(frozen=True)
class Lost:
    """The connections that somebody has to see to now."""

    cards: Sequence[Card]

    @classmethod
    def among(cls, shown: Sequence[Card]) -> "Lost":
        """Return those of all cards that are broken."""
        return cls([each for each in shown if each.is_broken])

    @property
    def title(self) -> str:
        """How many there are, and how many syncs wait for them."""
        count = len(self.cards)
        who = self.cards[0].subject.label if count == 1 else counted(count, "connection")
        return f"{who} {are(count)} disconnected{self._waiting}"

    @property
    def named(self) -> Sequence[Card]:
        """Those that are named where there are several."""
        return self.cards[:MOST_NAMED]

    @property
    def more(self) -> int:
        """How many are not named."""
        return len(self.cards) - len(self.named)

    @property
    def told(self) -> object:
        """All that is told of them."""
        return self.title, [(each.id, each.subject.label, each.name) for each in self.named]

    @property
    def _waiting(self) -> str:
        """How many syncs wait: each has one source and one target, and counts at both."""
        ends: Counter[object] = Counter()
        for each in self.cards:
            end = each.provider.is_source if each.provider else each.id
            ends[end] += each.subject.count(SyncState.WAITING)
        if not (most := max(ends.values())):
            return ""
        bound = "at least " if sum(map(bool, ends.values())) > 1 else ""
        return f": {bound}{counted(most, 'sync')} {are(most)} waiting"


@dataclass(frozen=True)
class Begun:
    """An attempt that would bring a new connection: there is no card of one to say so."""

    attempt: AuthorizationView
    provider: ProviderView | None

    @property
    def id(self) -> str:
        """The id of its element."""
        return f"begun-{self.attempt.id}"

    @property
    def version(self) -> str:
        """What tells whether it has changed since it was last shown."""
        return version_of(self.attempt, self.provider)


@dataclass(frozen=True)
class Deck:
    """All that the first page is made of; what is None, nobody tells."""

    connections: Sequence[ConnectionView]
    providers: Mapping[str, ProviderView]
    uses: Mapping[str, ConnectionUse] | None
    pending: Sequence[AuthorizationView] | None = ()

    @property
    def begun(self) -> list[Begun]:
        """The attempts that would bring a new connection."""
        new = (each for each in self.pending or () if not each.connection_id)
        return [Begun(each, self.providers.get(str(each.provider))) for each in new]

    def cards(self, clock: Clock) -> list[Card]:
        """Return the cards, worst first."""
        made = [self.card(each, clock) for each in self.connections]
        order = sorted(made, key=lambda each: (each.subject.label, each.name, each.id))
        return sorted(order, key=lambda each: each.face.rank)

    def card(self, connection: ConnectionView, clock: Clock) -> Card:
        """Return the card of one connection."""
        uses = self.uses
        use = None if uses is None else uses.get(connection.id) or _unused(connection.id)
        subject = Subject(connection, use, clock)
        provider = self.providers.get(str(connection.provider))
        face = _FACES.get(connection.badge, _unknown)(subject)
        attempts = (e for e in self.pending or () if e.connection_id == connection.id)
        return Card(subject, provider, next(attempts, None), face)


def _disconnected(subject: Subject) -> Face:
    connection, waiting = subject.connection, subject.count(SyncState.WAITING)
    kept = "rows, mappings and schedules stay as they are."
    syncs = f"{counted(waiting, 'sync')} {_wait(waiting)}; {kept}" if waiting else ""
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
        sentence=_how_syncs_are(subject),
        facts=[subject.syncs, subject.last_success, subject.next_run],
    )


def _catching_up(subject: Subject, progress: CatchUpProgress) -> Face:
    gap, clock = progress.gap, subject.clock
    missed = clock.between(gap.from_, gap.to or clock.now)
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


def _how_syncs_are(subject: Subject) -> str:
    if subject.use is None:
        return ""
    if not subject.use.syncs:
        return "No sync uses it yet."
    states = _told_states(subject.use)
    if len(states) == 1 and (whole := _all_alike(states[0][0], subject.use.syncs)):
        return whole
    (worst, first), *others = states
    begun = f"{counted(first, 'sync')} that {_use(first)} it {_doing(worst, first)}"
    also = [f"{number(count)} {_doing(state, count)}" for state, count in others]
    why = "; see why there" if subject.count(SyncState.WAITING) else ""
    return f"{listed([begun, *also], most=len(states))}{why}."


def _told_states(use: ConnectionUse) -> list[tuple[SyncState, int]]:
    """Return how many syncs are how, worst first.

    One that runs is fine, and so is one whose state this version does not know.
    """
    counts = {each: use.states.get(each, 0) for each in _DOING}
    apart = sum(count for state, count in counts.items() if state is not SyncState.FINE)
    counts[SyncState.FINE] = use.syncs - apart
    return [(state, count) for state, count in counts.items() if count > 0]


def _all_alike(state: SyncState, syncs: int) -> str:
    """Say what all syncs are, where that has words of its own."""
    if state is SyncState.FINE:
        return "All syncs that use it are fine."
    if state is SyncState.PAUSED:
        who = "The sync" if syncs == 1 else "All syncs"
        return f"{who} that {_use(syncs)} it {_doing(state, syncs)}."
    return "No sync that uses it has run yet." if state is SyncState.NEW else ""


def _doing(state: SyncState, count: int) -> str:
    one, more = _DOING[state]
    return one if count == 1 else more


def _wait(count: int) -> str:
    return _doing(SyncState.WAITING, count)


def _use(count: int) -> str:
    return "uses" if count == 1 else "use"


def _unused(connection_id: str) -> ConnectionUse:
    return ConnectionUse(
        connection_id=connection_id,
        syncs=0,
        states={},
        paused_with_it=0,
        gap=None,
        last_success_at=None,
        next_slot_at=None,
        catch_up=None,
    )
