"""Plain words for people: providers, causes, remedies, times and names."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta

from tablesync.contracts import ConnectionCause, Provider, RunFailureCause

NAME_MAX = 80
SHOWN_MAX = 10

PROVIDERS = {
    Provider.AIRTABLE: "Airtable",
    Provider.HUBSPOT: "HubSpot",
    Provider.SHOPIFY: "Shopify",
    Provider.MAILCHIMP: "Mailchimp",
}

LOSSES = {
    ConnectionCause.TOKEN_REJECTED: "{provider} no longer accepts TableSync’s access. "
    "This happens after a password change or when access is withdrawn.",
    ConnectionCause.GRANT_REVOKED: "TableSync’s access was withdrawn at {provider}.",
    ConnectionCause.GRANT_EXPIRED: "TableSync’s access to {provider} has expired.",
    ConnectionCause.APP_UNINSTALLED: "The TableSync app was uninstalled at {provider}.",
    ConnectionCause.SCOPE_REDUCED: "TableSync’s permissions at {provider} were reduced.",
    ConnectionCause.ROTATION_LOST: "TableSync lost the renewed key for {provider} while it was "
    "being exchanged. Nothing at your side caused this.",
}
LOSS_OTHERWISE = "{provider} no longer gives TableSync access."

FAILURES = {
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

ENDINGS = {
    "waiting": "waits for its catch-up",
    "running": "still catching up",
    "unmissed": "missed nothing",
    "paused": "paused; once resumed, its next run brings what it missed",
    "failed": "its catch-up failed; it runs again at its next slot",
    "interrupted": "on hold again",
    "held": "on hold again",
    "cancelled": "its catch-up was cancelled",
}

_CONTROLS = re.compile(r"[\s\x00-\x1f\x7f\u2028\u2029]+")


def provider_name(provider: str) -> str:
    """Return a provider's name as it writes it."""
    return PROVIDERS[Provider(provider)]


def loss(cause: str | None, provider: str) -> str:
    """Say why a connection was lost, in one or two sentences."""
    text = LOSSES.get(ConnectionCause(cause), LOSS_OTHERWISE) if cause else LOSS_OTHERWISE
    return text.format(provider=provider_name(provider))


def failure(cause: str) -> tuple[str, str]:
    """Say why a sync failed, and what to do about it."""
    return FAILURES.get(RunFailureCause(cause), FAILURES[RunFailureCause.INTERNAL])


def plain(text: str, longest: int = NAME_MAX) -> str:
    """Make a name from outside fit for a line: one line, no control or direction characters."""
    line = _CONTROLS.sub(" ", text).strip()
    line = "".join(each for each in line if not _steers(each))
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def moment(when: datetime) -> str:
    """Print a moment, such as `22 November 2026, 19:30 UTC`."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


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


def _steers(character: str) -> bool:
    """Whether a character turns the reading direction of what follows it.

    Joiners are format characters as well, but scripts and emoji are spelled with them.
    """
    return unicodedata.bidirectional(character) in {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip
