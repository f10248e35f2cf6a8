"""How things are put for a terminal: one colour and one short phrase each."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

BADGES = {
    "Connected": "bold green",
    "Disconnected": "bold red",
    "Disconnected by you": "red",
    "Needs attention": "bold yellow",
    "Checking": "cyan",
}
STATES = {
    "active": "green",
    "paused": "yellow",
    "held": "bold red",
    "succeeded": "green",
    "failed": "bold red",
    "interrupted": "red",
    "cancelled": "yellow",
    "running": "cyan",
    "requested": "cyan",
    "open": "bold red",
    "closed": "green",
}
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
NOTHING = Text("–", style="dim")


def badge(label: str) -> Text:
    """Return a connection's badge."""
    return Text(f"● {label}", style=BADGES.get(label, "yellow"))


def state(name: str) -> Text:
    """Return a state with its colour."""
    return Text(name, style=STATES.get(name, ""))


def plain(value: Any) -> Text:
    """Return a text from outside: no markup, and nothing that steers a terminal."""
    said = "" if value is None else str(value)
    kept = "".join(each for each in said if unicodedata.category(each) != "Cc")
    return Text(kept) if kept else NOTHING


def ago(moment: str | None, now: datetime | None = None) -> str:
    """Say how long ago, or in how long, a moment is."""
    if moment is None:
        return "–"
    seconds = ((now or datetime.now(UTC)) - _read(moment)).total_seconds()
    if abs(seconds) < 1:
        return "now"
    length = span(abs(seconds))
    return f"{length} ago" if seconds > 0 else f"in {length}"


def span(seconds: float) -> str:
    """Return a length of time in its largest whole unit."""
    for name, size in UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {name}"
    return f"{seconds:g} s"


def every(schedule: dict[str, Any]) -> str:
    """Say a schedule: in one unit where it comes out even."""
    seconds = schedule.get("every_seconds")
    if seconds is None:
        return ", ".join(f"{name} {value}" for name, value in schedule.items())
    for name, size in UNITS:
        if seconds >= size and seconds % size == 0:
            return f"every {seconds // size:g} {name}"
    return f"every {seconds:g} s"


def counts(found: dict[str, int]) -> str:
    """Say what a run did."""
    said = f"{found.get('written', 0):,} written, {found.get('unchanged', 0):,} unchanged"
    rejected = found.get("rejected", 0)
    return f"{said}, {rejected:,} rejected" if rejected else said


def _read(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
