"""How things are put for a terminal: one colour and one short phrase each."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rich.text import Text
from tablesync.contracts import RunCounts, RunStatus, SyncStatus
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.wording import one_line

BADGES = {
    "Connected": "bold green",
    "Disconnected": "bold red",
    "Disconnected by you": "red",
    "Needs attention": "bold yellow",
    "Checking": "cyan",
}
# A sync's statuses and a run's: both have `held`.
STATES: Mapping[str, str] = {
    SyncStatus.ACTIVE: "green",
    SyncStatus.PAUSED: "yellow",
    RunStatus.HELD: "bold red",
    RunStatus.REQUESTED: "cyan",
    RunStatus.QUEUED: "cyan",
    RunStatus.RUNNING: "cyan",
    RunStatus.SUCCEEDED: "green",
    RunStatus.FAILED: "bold red",
    RunStatus.INTERRUPTED: "red",
    RunStatus.CANCELLED: "yellow",
}
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
NOTHING = Text("–", style="dim")


def badge(label: str) -> Text:
    """Return a connection's badge."""
    return Text(f"● {label}", style=BADGES.get(label, "yellow"))


def state(name: str) -> Text:
    """Return a state with its colour."""
    return Text(name, style=STATES.get(name, ""))


def plain(value: object) -> Text:
    """Return a text from outside: no markup, and nothing that steers a terminal."""
    kept = one_line("" if value is None else str(value))
    return Text(kept) if kept else NOTHING


def whole(line: str) -> Text:
    """Return a line that can be copied whole, however narrow the terminal is."""
    return Text(line, style="dim", no_wrap=True, overflow="ignore")


def label(connection: ConnectionView) -> str:
    """Say which account at which provider a connection is to, as people call it."""
    account = connection.account
    return f"{connection.provider} · {connection.name or account.name or account.id}"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Say how long ago, or in how long, a moment is."""
    if moment is None:
        return "–"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
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


def every(seconds: float) -> str:
    """Say how often: in one unit where it comes out even."""
    for name, size in UNITS:
        if seconds >= size and seconds % size == 0:
            return f"every {seconds // size:g} {name}"
    return f"every {seconds:g} s"


def counts(found: RunCounts) -> str:
    """Say what a run did."""
    said = f"{found.written:,} written, {found.unchanged:,} unchanged"
    return f"{said}, {found.rejected:,} rejected" if found.rejected else said
