"""The cards of the first page: what of a connection matters now, and the one thing to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tablesync.contracts.public_api.connection_uses import CatchUpProgress, ConnectionUse
from tablesync.contracts.public_api.connections import (
    AuthorizationView,
    ConnectionView,
    ProviderView,
)
from tablesync.contracts.public_api.syncs import SyncState
from tablesync.dashboard.shown.connections.faces import Face, Rank, face_of
from tablesync.dashboard.shown.connections.subject import Subject
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.shown.versions import version_of


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
        """Whose account it is: an address, or the shop's domain; nothing where that is its name."""
        where = self.connection.host or self.connection.account.email or ""
        return "" if where == self.name else where

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
        attempts = (each for each in self.pending or () if _goes_on(each, connection))
        return Card(subject, provider, next(attempts, None), face_of(subject))


def _goes_on(attempt: AuthorizationView, connection: ConnectionView) -> bool:
    """Whether a connection waits for an attempt: one may be back by a later one meanwhile."""
    is_back = connection.status == "connected" and attempt.asked_at < connection.changed_at
    return attempt.connection_id == connection.id and not is_back


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
