"""A connection and the three facts of its card."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.syncs import SyncState
from tablesync.contracts.wording import provider_label
from tablesync.dashboard.shown.connections.sync_states import doing
from tablesync.dashboard.shown.times import Clock, span
from tablesync.dashboard.shown.words import number

NOT_KNOWN, NONE_YET = "not known", "none yet"


@dataclass(frozen=True)
class Fact:
    """One of the three facts of a card; `moment` is the time that it tells, if it is one."""

    term: str
    told: str
    moment: datetime | None = None


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
                parts.append(f"{who} {doing(state, count)}")
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
