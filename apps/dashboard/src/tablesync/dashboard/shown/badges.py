"""Badges: each state has its word, its colour and an icon of its own shape."""

from dataclasses import dataclass
from typing import Literal

from tablesync.contracts import HoldKind, RunStatus
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.syncs import SyncState

Tone = Literal["good", "bad", "warn", "busy", "idle"]


@dataclass(frozen=True)
class Badge:
    """A state in a word; `icon` is by name in `shown/icons.py`."""

    word: str
    tone: Tone
    icon: str


CONNECTED = Badge("Connected", "good", "check")
DISCONNECTED = Badge("Disconnected", "bad", "cross")
NEEDS_ATTENTION = Badge("Needs attention", "warn", "warning")
DISCONNECTED_BY_YOU = Badge("Disconnected by you", "idle", "minus")
SIGN_IN_UNDER_WAY = Badge("Sign-in under way", "idle", "dashes")

CONNECTIONS = {
    each.word: each for each in (CONNECTED, DISCONNECTED, NEEDS_ATTENTION, DISCONNECTED_BY_YOU)
}
SYNCS = {
    "failing": Badge("Failing", "bad", "cross"),
    "waiting": Badge("Waiting", "idle", "hourglass"),
    "running": Badge("Running", "busy", "turning"),
    "fine": Badge("Up to date", "good", "check"),
    "new": Badge("Not run yet", "idle", "dashes"),
    "paused": Badge("Paused", "idle", "pause"),
}
# What a sync waits for that does not come back by itself: the word of its state stays.
_WAITS_FOR_SOMEBODY = Badge(SYNCS["waiting"].word, "warn", "hourglass")
_FOR_SOMEBODY = {HoldKind.RESOURCE, HoldKind.MAPPING}
SYNC_STATES = tuple((state, badge.word) for state, badge in SYNCS.items())
_RUNS = {
    RunStatus.REQUESTED: Badge("Queued", "idle", "hourglass"),
    RunStatus.QUEUED: Badge("Queued", "idle", "hourglass"),
    RunStatus.RUNNING: Badge("Running", "busy", "turning"),
    RunStatus.SUCCEEDED: Badge("Finished", "good", "check"),
    RunStatus.FAILED: Badge("Failed", "bad", "cross"),
    RunStatus.INTERRUPTED: Badge("Stopped, will be caught up", "idle", "hourglass"),
    RunStatus.HELD: Badge("Waiting", "idle", "hourglass"),
    RunStatus.CANCELLED: Badge("Cancelled", "idle", "minus"),
}


def of_connection(word: str) -> Badge:
    """Return a connection's badge; a word of a newer service is shown as it is."""
    return CONNECTIONS.get(word, Badge(word, "idle", "dashes"))


def of_sync(state: str, held_for: str | None = None) -> Badge:
    """Return a sync's badge; `held_for` is the kind of its hold, if it has one."""
    if state == SyncState.WAITING and held_for in _FOR_SOMEBODY:
        return _WAITS_FOR_SOMEBODY
    return SYNCS.get(state, Badge(state.replace("_", " ").capitalize(), "idle", "dashes"))


def of_run(run: RunView) -> Badge:
    """Return a run's badge; one that rejected records needs a look."""
    if run.status == RunStatus.SUCCEEDED and run.counts.rejected:
        return Badge(f"Finished with {run.counts.rejected} rejected", "warn", "warning")
    known = {str(status): badge for status, badge in _RUNS.items()}
    return known.get(str(run.status), Badge(str(run.status).capitalize(), "idle", "dashes"))
