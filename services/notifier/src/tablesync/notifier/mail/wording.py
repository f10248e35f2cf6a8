"""Plain words for people: causes, remedies, times and names."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tablesync.contracts import Account, HoldKind, RunFailureCause, SyncStatus
from tablesync.contracts.internal_api import AffectedSync, SyncOwner
from tablesync.contracts.specs import NOT_GRANTED
from tablesync.contracts.wording import moment, one_line, stopped
from tablesync.notifier.catch_ups import Recovered

NAME_MAX = 80
SHOWN_MAX = 10


@dataclass(frozen=True)
class Failure:
    """Why a sync failed, what a person can do about it, and what TableSync does.

    `before_a_run`: it was held before any run could fail.
    """

    what: str
    remedy: str
    then: str
    before_a_run: bool = False


_ON_HOLD = (
    "It is on hold until that is solved: TableSync looks again every 15 minutes, less often after "
    "tries in vain, and at once when its mapping is saved again."
)
_GOES_ON = "It runs again at its next slot."

FAILURES: Mapping[str, Failure] = {
    RunFailureCause.RESOURCE: Failure(
        "an object, base or table that it needs is missing, not shared, full or not to be written",
        "Check that it still exists, that TableSync may see and change it, and that it has room.",
        _ON_HOLD,
    ),
    NOT_GRANTED: Failure(
        "a permission or base that it needs was left out",
        "Reconnect that account, and allow or choose what is named.",
        "It is on hold until then, and goes on by itself.",
        before_a_run=True,
    ),
    RunFailureCause.MAPPING: Failure(
        "what it maps is not there any more, or is not taken as it is mapped",
        "Look at the field that is named, and map it again.",
        _ON_HOLD,
    ),
    RunFailureCause.QUOTA: Failure(
        "the provider’s quota is used up",
        "Nothing, unless you can raise the quota.",
        "It is on hold until the quota is refilled, and then goes on by itself.",
    ),
    RunFailureCause.PROVIDER: Failure(
        "the provider did not answer properly", "Nothing yet.", _GOES_ON
    ),
    RunFailureCause.STALLED: Failure(
        "a run made no progress for a long time and was stopped",
        "Nothing yet. If this repeats, tell us.",
        _GOES_ON,
    ),
    RunFailureCause.INTERNAL: Failure(
        "something went wrong inside TableSync", "Nothing: we have been told.", _GOES_ON
    ),
}

ENDINGS: Mapping[str, str] = {
    "waiting": "waits for its catch-up",
    "running": "still catching up",
    "unmissed": "missed nothing",
    "paused": "paused; once resumed, its next run brings what it missed",
    "on_hold": "on hold for another cause",
    "failed": "its catch-up failed",
    "interrupted": "its catch-up was cut short",
    "held": "its catch-up could not begin",
    "cancelled": "its catch-up was cancelled",
}
# Of these it is to be said what comes next; the other endings say it themselves.
_ENDED = frozenset({"on_hold", "failed", "interrupted", "held", "cancelled"})


def account_name(account: Account) -> str:
    """Return what people call an account."""
    return plain(account.name or account.id)


def failure(cause: str) -> Failure:
    """Return the words for a cause; one that is not known here is ours."""
    return FAILURES.get(cause, FAILURES[RunFailureCause.INTERNAL])


def failure_of(cause: str, sync: SyncOwner) -> Failure:
    """Return the words for a cause, and what comes next for a sync that is stopped by now."""
    words = failure(cause)
    if sync.status in (None, SyncStatus.ACTIVE):
        return words
    how = stopped(sync.status, [each.told_as for each in sync.holds or ()])
    return replace(words, then=f"It is {how}.")


def waits(sync: AffectedSync, connection_id: str) -> str:
    """Return what becomes of a sync while this connection of its is lost."""
    others = sync.stopped_beside(connection_id)
    if sync.status is not SyncStatus.PAUSED and not others:
        return "runs once you reconnect"
    return stopped(sync.status, [HoldKind.CONNECTION, *others])


def ending(sync: Recovered) -> str:
    """Return how a sync stands whose catch-up brought nothing, and when it runs next."""
    said = ENDINGS[sync.status]
    return f"{said}; runs again {sync.runs}" if sync.runs and sync.status in _ENDED else said


def plain(text: str, longest: int = NAME_MAX) -> str:
    """Make a name from outside fit for a line, and not too long for one."""
    line = one_line(text)
    return line if len(line) <= longest else one_line(line[: longest - 1]) + "…"


def span(start: datetime, end: datetime | None) -> str:
    """Print an interval, such as `19:30–19:42 UTC on 22 November 2026 (12 minutes)`."""
    if end is None:
        return f"since {moment(start)}"
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if start.date() == end.date():
        days = f"{start:%H:%M}–{end:%H:%M} UTC on {start.day} {start:%B %Y}"
    else:
        days = f"{moment(start)} – {moment(end)}"
    return f"{days} ({duration(end - start)})"


def duration(length: timedelta) -> str:
    """Print a length of time in its largest whole unit."""
    seconds = max(0, round(length.total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return counted(seconds // size, unit)
    return counted(seconds, "second")


def counted(number: int, noun: str) -> str:
    """Print a number with its noun, such as `2,000 records`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def missed(slots: int, *, interrupted: bool) -> str:
    """Print what a gap swallowed, such as `2 missed slots and a run cut short`."""
    parts = [counted(slots, "missed slot")] if slots or not interrupted else []
    return " and ".join([*parts, "a run cut short"] if interrupted else parts)
