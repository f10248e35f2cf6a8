"""A dry run as its page shows it: how far it is, what would change, and which records first."""

from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.contracts.public_api.catalog import ChangeKind, DryRun, WouldChange
from tablesync.dashboard.shown.badges import Badge
from tablesync.dashboard.shown.making.cells import told
from tablesync.dashboard.shown.words import how_far

_BADGES = {
    "queued": Badge("Queued", "idle", "hourglass"),
    "running": Badge("Running", "busy", "turning"),
    "done": Badge("Finished", "good", "check"),
    "failed": Badge("Failed", "bad", "cross"),
    "cancelled": Badge("Cancelled", "idle", "minus"),
}
_KINDS = {
    ChangeKind.CREATE: "New row",
    ChangeKind.UPDATE: "Changed row",
    ChangeKind.REJECT: "Rejected",
}
_OPEN = frozenset({"queued", "running"})


@dataclass(frozen=True)
class ShownChange:
    """What would become of one record."""

    change: WouldChange

    @property
    def kind(self) -> str:
        """In a word or two."""
        known = {str(kind): words for kind, words in _KINDS.items()}
        return known.get(str(self.change.kind), str(self.change.kind).capitalize())

    @property
    def cells(self) -> list[tuple[str, str, str, str]]:
        """Each field that would differ and its id, with what it has and what it would have."""
        return [
            (each.field, each.field_id, told(each.before), told(each.after))
            for each in self.change.cells
        ]


@dataclass(frozen=True)
class ShownDryRun:
    """A dry run."""

    run: DryRun

    @property
    def badge(self) -> Badge:
        """Where it stands."""
        return _BADGES.get(self.run.status, Badge(self.run.status.capitalize(), "idle", "dashes"))

    @property
    def is_open(self) -> bool:
        """Whether it is still counting."""
        return self.run.status in _OPEN

    @property
    def line(self) -> str:
        """How far it is, in words."""
        return how_far(self.run.counts.read, self.run.total)

    @property
    def is_within_estimate(self) -> bool:
        """Whether it has not read more than it was thought that there is."""
        return bool(self.run.total and self.run.counts.read <= self.run.total)

    @property
    def changes(self) -> Sequence[ShownChange]:
        """The first that would change."""
        return [ShownChange(each) for each in self.run.changes]

    @property
    def would_change(self) -> int:
        """How many records would not stay as they are."""
        return self.run.created + self.run.updated + self.run.counts.rejected
