"""The connections that somebody has to see to now: the banner above all cards."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.contracts.public_api.syncs import SyncState
from tablesync.dashboard.shown.cards import Card
from tablesync.dashboard.shown.words import are, counted

MOST_NAMED = 3


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
