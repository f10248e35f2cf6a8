"""Plain words for people: causes, remedies, times and names."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tablesync.contracts import Account, RunFailureCause
from tablesync.contracts.wording import moment, one_line

NAME_MAX = 80
SHOWN_MAX = 10

FAILURES: Mapping[str, tuple[str, str]] = {
    RunFailureCause.RESOURCE: (
        "an object, base or table that it needs is missing or not shared",
        "Check that it still exists and that TableSync may see it.",
    ),
    RunFailureCause.MAPPING: (
        "a mapped field is missing or has changed its type",
        "Open the sync’s field mapping and map the field again.",
    ),
    RunFailureCause.QUOTA: (
        "the provider’s quota is used up",
        "Nothing to do: it runs again when the quota is refilled.",
    ),
    RunFailureCause.PROVIDER: (
        "the provider did not answer properly",
        "Nothing to do yet: it runs again at its next slot.",
    ),
    RunFailureCause.STALLED: (
        "a run made no progress for a long time and was stopped",
        "It runs again at its next slot. If this repeats, tell us.",
    ),
    RunFailureCause.INTERNAL: (
        "something went wrong inside TableSync",
        "It runs again at its next slot; we have been told.",
    ),
}

ENDINGS: Mapping[str, str] = {
    "waiting": "waits for its catch-up",
    "running": "still catching up",
    "unmissed": "missed nothing",
    "paused": "paused; once resumed, its next run brings what it missed",
    "failed": "its catch-up failed; it runs again at its next slot",
    "interrupted": "on hold again",
    "held": "on hold again",
    "cancelled": "its catch-up was cancelled",
}


def account_name(account: Account) -> str:
    """Return what people call an account."""
    return plain(account.name or account.id)


def failure(cause: str) -> tuple[str, str]:
    """Say why a sync failed, and what to do about it; a cause that is not known here is ours."""
    return FAILURES.get(cause, FAILURES[RunFailureCause.INTERNAL])


def plain(text: str, longest: int = NAME_MAX) -> str:
    """Make a name from outside fit for a line, and not too long for one."""
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


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
