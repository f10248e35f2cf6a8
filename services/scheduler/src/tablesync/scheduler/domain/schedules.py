"""When slots are due: pure arithmetic, in whole milliseconds of UTC.

A schedule and its anchor give every slot there is; nothing is stored per slot. Only intervals
exist so far: their slots are the anchor plus 1, 2, 3 … times the interval, in elapsed time.
"""

from dataclasses import dataclass
from datetime import datetime

from tablesync.contracts.public_api.schedules import Schedule

LONGEST_SECONDS = 366 * 24 * 3600


@dataclass(frozen=True)
class Slots:
    """Some consecutive slots: how many, and the last of them."""

    count: int
    last: datetime


def next_slot(schedule: Schedule, anchor: datetime, after: datetime) -> datetime:
    """Return the first slot later than `after`."""
    return anchor + (_slots_until(schedule, anchor, after) + 1) * schedule.length


def slots_between(
    schedule: Schedule, anchor: datetime, after: datetime, until: datetime
) -> Slots | None:
    """Return the slots later than `after` and not later than `until`; None if there are none."""
    past, reached = (_slots_until(schedule, anchor, each) for each in (after, until))
    if reached <= past:
        return None
    return Slots(reached - past, anchor + reached * schedule.length)


def earlier(schedule: Schedule, slot: datetime, count: int) -> datetime:
    """Return the slot so many before another one."""
    return slot - count * schedule.length


def _slots_until(schedule: Schedule, anchor: datetime, moment: datetime) -> int:
    return max(0, (moment - anchor) // schedule.length)
