"""Holding (suspending) and releasing one sync: pure decisions, each idempotent."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from tablesync.contracts import Hold, HoldKind, RunStatus, SyncHeld, SyncReleased
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.claims import count_passed_slots
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.gaps import ClosedGap, OpenGap
from tablesync.scheduler.domain.grants import lack_of
from tablesync.scheduler.domain.requests import plan_catch_up, withdraw_planned
from tablesync.scheduler.domain.syncs import Sync
from tablesync.service_kit.clock import unix_milliseconds

# How long until a sync that is held for its contents is looked at again. What a look finds nothing
# wrong with, and runs fail of all the same, is tried ever less often: a table that stays full for
# days must not cost its base a run each time.
RECHECK_AFTER = timedelta(minutes=15)
RECHECK_AT_LEAST_EVERY = timedelta(days=1)
# When a run may try a used-up quota again: when it is refilled or, as people may raise one, a day
# after it was met; in an hour where nobody knows. Clocks differ, so always a little later.
QUOTA_UNKNOWN = timedelta(hours=1)
QUOTA_AT_MOST = timedelta(days=1)
QUOTA_MARGIN = timedelta(minutes=1)


def hold(sync: Sync, why: Hold, now: datetime, changes: Changes) -> bool:
    """Stop a sync for a cause and open its gap; False if it is stopped for that already.

    What a connection was not granted takes the place of what runs have said of it, and of what it
    was not granted before.
    """
    known = next((each for each in sync.holds if _same(each, why)), None)
    if known is not None and (not why.lacks or set(known.lacks) == set(why.lacks)):
        return False
    shown = sync.hold
    count_passed_slots(sync, now)
    if known is None:
        sync.holds.append(why)
    else:
        sync.holds[sync.holds.index(known)] = why
    _open_gap(sync, why, now, changes)
    sync.recheck_at = _first(sync.recheck_at, _look_at(sync, why, now))
    if sync.hold is not None and sync.hold != shown:
        changes.publish(_held(sync, sync.hold, now))
    return True


def follow_connections(
    sync: Sync, deciding: Mapping[str, Connection], now: datetime, changes: Changes
) -> bool:
    """Hold a sync for those of its connections that are lost or lack what it needs.

    False if there is none. Whoever may ask for a run does this first: the job that marks all syncs
    may not have come to this one yet.
    """
    reasons = holds_on(sync, deciding, now)
    for why in reasons:
        hold(sync, why, now, changes)
    return bool(reasons)


def holds_on(sync: Sync, deciding: Mapping[str, Connection], now: datetime) -> list[Hold]:
    """Return the holds that connections put on a sync."""
    found = (deciding[each] for each in sync.connection_ids if each in deciding)
    reasons = (each.hold if each.held else lack_of(sync, each, now) for each in found)
    return [each for each in reasons if each is not None]


def release(
    sync: Sync, gone: Callable[[Hold], bool], now: datetime, catch_up_at: datetime, changes: Changes
) -> bool:
    """Take away the holds that are gone; with the last one, close the gap and catch up.

    The catch-up is left out where nothing was missed, and for a paused sync. False if no hold
    is gone.
    """
    staying = [each for each in sync.holds if not gone(each)]
    if len(staying) == len(sync.holds):
        return False
    count_passed_slots(sync, now)
    shown, sync.holds = sync.hold, staying
    sync.recheck_at = next_look(sync, now)
    assert shown is not None, "something was gone"
    if not staying:
        _close_gap(sync, shown, now, catch_up_at, changes)
    elif sync.hold is not None and sync.hold != shown:
        changes.publish(_held(sync, sync.hold, now))
    return True


def catch_up_late(sync: Sync, now: datetime, at: datetime, changes: Changes) -> None:
    """Catch up what a run left behind whose interruption was heard of after the release.

    A catch-up that is still to begin covers it as well, and a paused sync gets none.
    """
    missed, sync.missed = sync.missed, None
    if missed and missed.owed and sync.claimable and not sync.planned:
        sync.last_catch_up_for = None
        run = plan_catch_up(sync, missed.gap(to=now), now, at, changes)
        changes.gaps.append(_closed(sync, missed, now, None, run.id))


def of_connection(connection_id: str) -> Callable[[Hold], bool]:
    """Return what recognises the hold of one connection."""
    return lambda each: each.kind is HoldKind.CONNECTION and each.connection_id == connection_id


def granted_again(sync: Sync, connection: Connection, now: datetime) -> Callable[[Hold], bool]:
    """Return what recognises the hold for what a connection lacked and has now."""
    lacks = lack_of(sync, connection, now) is not None
    return lambda each: bool(each.lacks) and each.connection_id == connection.id and not lacks


def of_contents(sync: Sync) -> Callable[[Hold], bool]:
    """Return what recognises the holds that a look at catalog and mapping can end.

    It shows a base that was chosen at Airtable meanwhile; a scope, only a new consent gives.
    """
    ends = {HoldKind.RESOURCE, HoldKind.MAPPING}
    return lambda each: each.kind in ends and {*each.lacks} <= {sync.destination.base_id}


def of_refilled_quota(now: datetime) -> Callable[[Hold], bool]:
    """Return what recognises the hold for a quota that may be tried again."""
    return lambda each: each.kind is HoldKind.QUOTA and _quota_again(each) <= now


def next_look(sync: Sync, now: datetime) -> datetime | None:
    """Return when it is to be looked at whether a hold is over; None if no look can tell."""
    return _first(*(_look_at(sync, each, now) for each in sync.holds))


def _look_at(sync: Sync, why: Hold, now: datetime) -> datetime | None:
    if why.kind is HoldKind.QUOTA:
        return _quota_again(why)
    return now + _recheck_after(sync) if of_contents(sync)(why) else None


def _recheck_after(sync: Sync) -> timedelta:
    doubled = min(sync.tries_in_vain, 7)  # which is more than a day
    return min(RECHECK_AFTER * (1 << doubled), RECHECK_AT_LEAST_EVERY)


def _quota_again(why: Hold) -> datetime:
    refilled = max(why.since, why.until or why.since + QUOTA_UNKNOWN)
    return min(refilled, why.since + QUOTA_AT_MOST) + QUOTA_MARGIN


def _first(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)


def _same(one: Hold, other: Hold) -> bool:
    return (one.kind, one.connection_id) == (other.kind, other.connection_id)


def _open_gap(sync: Sync, why: Hold, now: datetime, changes: Changes) -> None:
    """Open the gap; what was asked of nobody yet, and slots that nobody claimed, fall into it."""
    sync.add_to_gap(why.since, 0, interrupted=False)
    if sync.waiting:
        sync.ledger.run_becomes_held(sync.waiting.slots)
        sync.add_to_gap(why.since, sync.waiting.slots, interrupted=False)
        sync.waiting = None
    if sync.planned:
        gap = sync.planned.gap
        sync.add_to_gap(gap.from_, gap.slots_missed, interrupted=True)
        withdraw_planned(sync, RunStatus.HELD, "Held before it began.", now, changes)
    count_passed_slots(sync, now)


def _close_gap(
    sync: Sync, why: Hold, now: datetime, catch_up_at: datetime, changes: Changes
) -> None:
    missed, sync.missed = sync.missed, None
    assert missed is not None, "a held sync has an open gap"
    # One of an earlier gap says nothing of this one.
    run_id = sync.last_catch_up_id = sync.last_catch_up_for = None
    if missed.owed and not sync.paused:
        run_id = plan_catch_up(sync, missed.gap(to=now), now, catch_up_at, changes).id
        sync.last_catch_up_for = why.connection_id if why.kind is HoldKind.CONNECTION else None
    changes.gaps.append(_closed(sync, missed, now, why, run_id))
    changes.publish(
        SyncReleased(
            workspace_id=sync.workspace_id,
            sync_id=sync.id,
            name=sync.name,
            hold=why,
            gap=missed.gap(to=now),
            sequence=sync.next_event_sequence(unix_milliseconds(now)),
            catch_up_run_id=run_id,
        )
    )


def _closed(
    sync: Sync, missed: OpenGap, now: datetime, why: Hold | None, run_id: str | None
) -> ClosedGap:
    return ClosedGap(
        sync_id=sync.id,
        workspace_id=sync.workspace_id,
        gap=missed.gap(to=now),
        hold=why,
        catch_up_run_id=run_id,
    )


def _held(sync: Sync, why: Hold, now: datetime) -> SyncHeld:
    assert sync.missed is not None, "a held sync has an open gap"
    return SyncHeld(
        workspace_id=sync.workspace_id,
        sync_id=sync.id,
        name=sync.name,
        hold=why,
        gap=sync.missed.gap(),
        sequence=sync.next_event_sequence(unix_milliseconds(now)),
    )
