"""An explanation of one record as its page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tablesync.contracts.public_api.catalog import ExplainedCell, Explanation
from tablesync.dashboard.shown.badges import Badge
from tablesync.dashboard.shown.making.cells import told
from tablesync.dashboard.shown.times import Clock

SAME = Badge("Same", "good", "check")
DIFFERS = Badge("Differs", "warn", "warning")
REJECTED = Badge("Rejected", "bad", "cross")
NOTHING = "empty"


@dataclass(frozen=True)
class ShownLine:
    """One field of the record, from its source to Airtable."""

    cell: ExplainedCell

    @property
    def badge(self) -> Badge:
        """Whether the row shows what the source has."""
        if self.cell.fault:
            return REJECTED
        return SAME if self.cell.same else DIFFERS

    @property
    def value(self) -> str:
        """What the source has."""
        return told(self.cell.value)

    @property
    def wanted(self) -> str:
        """What it becomes."""
        return told(self.cell.wanted)

    @property
    def found(self) -> str:
        """What Airtable has."""
        return told(self.cell.found)


@dataclass(frozen=True)
class ShownExplanation:
    """All that is known of a record."""

    found: Explanation
    clock: Clock

    @property
    def lines(self) -> Sequence[ShownLine]:
        """Its fields; none where neither end has it."""
        if not (self.found.at_source or self.found.in_airtable):
            return []
        return [ShownLine(each) for each in self.found.cells]

    @property
    def is_well(self) -> bool:
        """Whether its row shows what the source has."""
        both = self.found.at_source and self.found.in_airtable
        return both and all(each.cell.same for each in self.lines)
