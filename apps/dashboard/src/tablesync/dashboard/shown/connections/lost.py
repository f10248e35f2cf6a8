"""The connections that somebody has to see to now: the banner above all cards."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tablesync.contracts.public_api.syncs import SyncState
from tablesync.contracts.wording import isolated
from tablesync.dashboard.shown.cards import Card
from tablesync.dashboard.shown.words import are, counted

MOST_NAMED = 3


@dataclass(frozen=True)
class Lost:
    """The connections that somebody has to see to now."""

    cards: Sequence[Card]
    labels: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def among(cls, shown: Sequence[Card]) -> "Lost":
        """Return those of all cards that are broken."""
        labels = Counter(each.subject.label for each in shown)
        return cls([each for each in shown if each.is_broken], labels)

    @property
    def title(self) -> str:
        """How many there are, and how many syncs wait for them; one of several by its account."""
        count = len(self.cards)
        who = self._one if count == 1 else counted(count, "connection")
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
    def _one(self) -> str:
        label, name = self.cards[0].subject.label, self.cards[0].name
        return f"{label}, {isolated(name)}" if self.labels.get(label, 0) > 1 else label

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
