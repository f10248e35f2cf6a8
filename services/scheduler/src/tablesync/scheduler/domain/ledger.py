"""The ledger of one sync, double-entry: due = run + coalesced + skipped + held + paused, always.

Due is counted from the schedules alone, the rest from what was done: they must agree.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel
from tablesync.contracts import Gap, Hold
from tablesync.contracts.specs import Moment
from tablesync.scheduler.domain.claims import count_passed_slots
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.schedules import slots_between
from tablesync.scheduler.domain.syncs import Sync


class LedgerGap(Gap):
    """A gap, why there was one, and the run that caught it up."""

    hold: Hold | None
    catch_up_run_id: str | None = None


class Statement(BaseModel):
    """What became of every slot that was due until `as_of`."""

    due: int
    run: int
    coalesced: int
    skipped: int
    held: int
    paused: int
    balanced: bool
    as_of: Moment
    gaps: list[LedgerGap]


def statement(sync: Sync, closed: list[ClosedGap], now: datetime) -> Statement:
    """Draw up the ledger, with the slots that passed since the sync was stopped, if it is."""
    sync = sync.model_copy(deep=True)
    count_passed_slots(sync, now)
    due = slots_due(sync)
    return Statement(
        due=due,
        **sync.ledger.model_dump(),
        balanced=due == sync.ledger.total,
        as_of=sync.next_slot_at - timedelta(milliseconds=1),
        gaps=_gaps(sync, closed),
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
