"""Claims: what becomes of the slots of a sync that are due now.

Pure decisions on a sync that was read; optimistic concurrency, since the transaction that stores
them fails if somebody else has stored the sync meanwhile.
"""

from datetime import datetime

from tablesync.contracts import Overlap
from tablesync.contracts.public_api.schedules import Schedule
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.requests import request_planned, request_waiting
from tablesync.scheduler.domain.schedules import Slots, next_slot
from tablesync.scheduler.domain.syncs import PastSchedule, Sync, Waiting


def claim(sync: Sync, now: datetime, changes: Changes) -> None:
    """Account for each due slot of a claimable sync and ask for what has to run.

    Slots that came due while nobody looked become one run, for the last of them.
    """
    request_planned(sync, now, changes)
    slots = sync.take_slots(now)
    if slots:
        _account(sync, slots)
    request_waiting(sync, now, changes)


def count_passed_slots(sync: Sync, now: datetime) -> None:
    """Account for the slots that passed while the sync was paused or held."""
    if sync.claimable:
        return
    slots = sync.take_slots(now)
    if slots is None:
        return
    if sync.paused:
        sync.ledger.paused += slots.count
    else:
        sync.ledger.held += slots.count
        assert sync.missed is not None, "a held sync has an open gap"
        sync.missed.slots += slots.count


def reschedule(sync: Sync, schedule: Schedule, now: datetime, changes: Changes) -> None:
    """Account for what was due by the old schedule, then begin the new one now."""
    if sync.claimable:
        claim(sync, now, changes)
    count_passed_slots(sync, now)
    past = PastSchedule(schedule=sync.schedule, anchor=sync.anchor, until=now)
    sync.past_schedules.append(past)
    sync.schedule, sync.anchor = schedule, now
    sync.next_slot_at = next_slot(schedule, now, now)


def _account(sync: Sync, slots: Slots) -> None:
    if sync.waiting:
        sync.ledger.coalesced += slots.count
        sync.waiting = Waiting(slot=slots.last, slots=sync.waiting.slots + slots.count)
    elif sync.active_runs and sync.overlap is Overlap.SKIP:
        sync.ledger.skipped += slots.count
    else:
        sync.ledger.run += 1
        sync.ledger.coalesced += slots.count - 1
        sync.waiting = Waiting(slot=slots.last, slots=slots.count)
