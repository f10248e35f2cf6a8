"""What becomes of the slots of a sync that are due now: a pure decision."""

from datetime import datetime

from tablesync.scheduler.changes import Changes
from tablesync.scheduler.requests import request_planned, request_waiting
from tablesync.scheduler.schedules import Slots
from tablesync.scheduler.syncs import Overlap, Sync, Waiting


def claim(sync: Sync, now: datetime, changes: Changes) -> None:
    """Account for each due slot of a claimable sync and ask for what has to run.

    Slots that came due while nobody looked become one run, for the last of them.
    """
    request_planned(sync, now, changes)
    slots = sync.take_slots(now)
    if slots:
        _account(sync, slots)
    request_waiting(sync, now, changes)


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
