"""What the notifier knows of holds and catch-ups: what a recovery mail reports."""

from typing import Literal

from tablesync.contracts import (
    RunEvent,
    RunFailureCause,
    SyncFailed,
    SyncHeld,
    SyncInterrupted,
    SyncReleased,
    SyncSucceeded,
    Trigger,
)
from tablesync.contracts.sync_events import SyncHoldEvent
from tablesync.notifier.store import RUNS, SYNCS
from tablesync.service_kit.mongo import Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

RunEnd = Literal["succeeded", "failed", "interrupted", "held"]


async def apply_hold(unit: UnitOfWork, event: SyncHeld | SyncReleased) -> None:
    """Take a sync's hold state, unless a newer one is known."""
    rows = unit.database[SYNCS]
    known = await rows.find_one({"_id": event.sync_id}, session=unit.session)
    if known is not None and known.get("sequence", 0) >= event.sequence:
        return
    await rows.update_one(
        {"_id": event.sync_id}, {"$set": _hold_state(event)}, upsert=True, session=unit.session
    )


async def record_end(unit: UnitOfWork, event: RunEvent) -> None:
    """Keep how a catch-up ended; other runs are not reported."""
    end = _end(event)
    if event.trigger is not Trigger.CATCH_UP or end is None:
        return
    row = {
        "sync_id": event.sync_id,
        "status": end,
        "counts": event.counts.model_dump(),
        "received_at": unit.now,
    }
    await unit.database[RUNS].replace_one(
        {"_id": event.run_id}, row, upsert=True, session=unit.session
    )


def _end(event: RunEvent) -> RunEnd | None:
    """Name the end of a run; one that was handed on at a shutdown has not ended."""
    if isinstance(event, SyncSucceeded):
        return "succeeded"
    if isinstance(event, SyncFailed | SyncInterrupted) and event.cause is RunFailureCause.SHUTDOWN:
        return None
    if isinstance(event, SyncFailed):
        return "failed"
    return event.outcome if isinstance(event, SyncInterrupted) else None


def _hold_state(event: SyncHoldEvent) -> Document:
    return {
        "workspace_id": event.workspace_id,
        "name": event.name,
        "sequence": event.sequence,
        "held": isinstance(event, SyncHeld),
        "hold": event.hold.model_dump(),
        "gap": event.gap.model_dump(by_alias=True),
        "catch_up_run_id": event.catch_up_run_id if isinstance(event, SyncReleased) else None,
    }
