"""Receipts of outages: whether all that was missed has been caught up, and what has not."""

from dataclasses import dataclass

from tablesync.contracts.public_api.receipts import Receipt, ReceiptLine
from tablesync.dashboard.shown import badges
from tablesync.dashboard.shown.badges import Badge
from tablesync.dashboard.shown.words import counted, number

NOT_BACK = Badge("Disconnected, so far", "bad", "cross")
UNDER_WAY = Badge("Catching up, so far", "busy", "turning")
CAUGHT_UP = Badge("Everything is caught up", "good", "check")


@dataclass(frozen=True)
class ShownReceipt:
    """One receipt."""

    receipt: Receipt

    @property
    def is_under_way(self) -> bool:
        """Whether catch-ups go on."""
        return bool(self.receipt.back_at) and self.receipt.done < self.receipt.syncs

    @property
    def badge(self) -> Badge:
        """Where it stands: what failed is said before anything else once all have ended."""
        if not self.receipt.back_at:
            return NOT_BACK
        if self.is_under_way:
            return UNDER_WAY
        return Badge(self.failed, "warn", "warning") if self.receipt.failed else CAUGHT_UP

    @property
    def failed(self) -> str:
        """How many could not be caught up, in words."""
        return f"{counted(self.receipt.failed, 'sync')} could not be caught up"

    @property
    def unnamed(self) -> str:
        """How many more there are of those, in words, where only the first are named."""
        return _more(self.receipt.failed - len(self.receipt.failures))

    @property
    def more(self) -> str:
        """How many syncs more have no line, in words."""
        return _more(self.receipt.more)


def outcome(line: ReceiptLine) -> Badge | None:
    """Return how a sync's catch-up ended; None where nothing was owed."""
    return badges.of_run(line.run) if line.run else None


def _more(count: int) -> str:
    return f"and {number(count)} more" if count > 0 else ""
