"""What is counted of a run, page by page."""

from dataclasses import dataclass, field

from tablesync.contracts import RunCounts
from tablesync.sync_runner.sources.base import Position


@dataclass
class Tally:
    """Counts that grow."""

    read: int = 0
    written: int = 0
    unchanged: int = 0
    rejected: int = 0

    def add(self, other: "Tally") -> None:
        """Add another tally."""
        self.read += other.read
        self.written += other.written
        self.unchanged += other.unchanged
        self.rejected += other.rejected

    def counts(self) -> RunCounts:
        """Return the counts as contracts have them."""
        return RunCounts.model_construct(**vars(self))


@dataclass
class PageTrack:
    """A page on its way: it is done when all its records are and no more will come.

    One of which a record was withheld is never done: the next run reads it again. `size` is how
    many bytes its provider answered with, `checked` how many of its records a check has read.
    """

    position: Position
    tally: Tally = field(default_factory=Tally)
    size: int = 0
    checked: int = 0
    outstanding: int = 0
    dispatched: bool = False
    withheld: bool = False

    @property
    def under_way(self) -> bool:
        """Whether anything of it is still to arrive."""
        return not self.dispatched or self.outstanding > 0

    @property
    def done(self) -> bool:
        """Whether every record of it was acknowledged, found unchanged or rejected."""
        return not self.under_way and not self.withheld
