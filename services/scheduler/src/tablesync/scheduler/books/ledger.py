"""The ledger of one sync, double-entry: due = run + coalesced + skipped + held + paused, always.

Due is counted from the schedules alone, the rest from what was done: they must agree.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, Field
from tablesync.contracts import Gap, Hold
from tablesync.contracts.specs import Moment
from tablesync.scheduler.domain.claims import count_passed_slots
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.schedules import slots_between
from tablesync.scheduler.domain.syncs import Sync

# A slot that no tick has looked at for so long: the books agree, but they are not up to date.
LATE = timedelta(seconds=10)


class LedgerGap(Gap):
    """A gap, why there was one, and the run that caught it up."""

    hold: Hold | None
    catch_up_run_id: str | None = None


class Statement(BaseModel):
    """What became of every slot that was due until `as_of`.

    The books agree if each of these slots is accounted for once; the ledger is balanced if they
    do and no slot has come due since that nobody has looked at for longer than a tick may take.
    """

    due: int
    run: int
    coalesced: int
    skipped: int
    held: int
    paused: int
    balanced: bool = Field(
        description="Whether each slot is accounted for once, and none waits for its account."
    )
    as_of: Moment = Field(description="Every slot until then is accounted for; it may be to come.")
    unaccounted: int = Field(
        default=0, description="Slots due since `as_of` that no tick has looked at yet."
    )
    gaps: list[LedgerGap]
    unread_gaps: int = Field(
        default=0, description="Gaps that are not listed: this version cannot read them."
    )

    @property
    def agrees(self) -> bool:
        """Whether what was due until `as_of` is what was accounted for."""
        return self.due == self.run + self.coalesced + self.skipped + self.held + self.paused


def statement(
    sync: Sync, closed: list[ClosedGap], now: datetime, *, unread_gaps: int = 0
) -> Statement:
    """Draw up the ledger, with the slots that passed since the sync was stopped, if it is."""
    sync = sync.model_copy(deep=True)
    count_passed_slots(sync, now)
    due, first = slots_due(sync), sync.next_slot_at
    waiting = sync.take_slots(now)
    return Statement(
        due=due,
        **sync.ledger.model_dump(),
        balanced=due == sync.ledger.total and now - first < LATE,
        as_of=first - timedelta(milliseconds=1),
        unaccounted=waiting.count if waiting else 0,
        gaps=_gaps(sync, closed),
        unread_gaps=unread_gaps,
    )


def slots_due(sync: Sync) -> int:
    """Count the slots before the first one that is not accounted for, from schedules alone."""
    past = (
        slots_between(each.schedule, each.anchor, each.anchor, each.until)
        for each in sync.past_schedules
    )
    before = sync.next_slot_at - timedelta(milliseconds=1)
    current = slots_between(sync.schedule, sync.anchor, sync.anchor, before)
    return sum(slots.count for slots in (*past, current) if slots)


def _gaps(sync: Sync, closed: list[ClosedGap]) -> list[LedgerGap]:
    gaps = [
        LedgerGap(**dict(each.gap), hold=each.hold, catch_up_run_id=each.catch_up_run_id)
        for each in closed
    ]
    if open_gap := sync.gap:
        gaps.append(LedgerGap(**dict(open_gap), hold=sync.hold))
    return gaps
