"""Which page of the help explains what is shown; nothing for what is new to this version."""

from collections.abc import Mapping

from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.syncs import SyncState
from tablesync.contracts.wording import help_pages
from tablesync.dashboard.shown import badges
from tablesync.dashboard.shown.badges import Badge
from tablesync.dashboard.shown.cards import Card
from tablesync.dashboard.shown.connections.faces import Rank
from tablesync.dashboard.shown.syncs import ShownSync

ROOT = "/help"
PROBLEM = "urn:tablesync:problem:"
_FINISHED_WITH_REJECTED = "Finished with "

_BADGES: Mapping[str, str] = {
    "Connected": "connected",
    "Disconnected": "disconnected",
    "Needs attention": "needs-attention",
    "Disconnected by you": "disconnected-by-you",
    "Sign-in under way": "sign-in-under-way",
    "Failing": "sync-failing",
    "Failed": "sync-failing",
    "Waiting": "sync-waiting",
    "Paused": "sync-paused",
    "Stopped, will be caught up": "missed-data",
    "Cancelled": "failing/cancelled",
    **dict.fromkeys(
        ("Running", "Up to date", "Not run yet", "Queued", "Finished"), "how-syncs-run"
    ),
}


def of_badge(badge: Badge) -> str:
    """Return the page of a state."""
    if badge.word.startswith(_FINISHED_WITH_REJECTED):
        return _path("rejected-records")
    return _path(_BADGES.get(badge.word))


def of_cause(cause: str | None) -> str:
    """Return the page that says why a connection was lost."""
    return _path(help_pages.of_cause(cause))


def of_hold(kind: str, *, not_granted: bool = False) -> str:
    """Return the page that says what a sync waits for."""
    return _path(help_pages.of_hold(kind, not_granted=not_granted))


def of_failure(cause: str | None) -> str:
    """Return the page that says why a run failed."""
    return _path(help_pages.of_failure(cause))


def of_incident(cause: str | None) -> str:
    """Return the page of what an incident is about."""
    return _path(help_pages.of_incident(cause))


def of_provider(provider: str) -> str:
    """Return the page of a provider that exists."""
    return _path(f"providers/{provider}")


def of_problem(type_: str) -> str:
    """Return the page of a problem, by the member `type` of an answer."""
    known = type_.startswith(PROBLEM)
    return _path(f"problems/{type_.removeprefix(PROBLEM)}" if known else None)


def of_card(card: Card) -> str:
    """Return the page for a card: its cause says more than its state; what is well needs none."""
    if card.under_way:
        return _path("sign-in-under-way")
    if card.face.rank is Rank.CATCHING_UP:
        return _path("missed-data")
    if card.face.rank is Rank.CONNECTED:
        return ""
    lost = card.face.rank is Rank.DISCONNECTED
    return (lost and of_cause(card.connection.cause)) or of_badge(card.face.badge)


def of_run(run: RunView) -> str:
    """Return the page for a run that failed or rejected records; nothing for one that is fine."""
    if run.cause:
        return of_failure(run.cause)
    return of_badge(badges.of_run(run)) if run.counts.rejected else ""


def of_sync(shown: ShownSync) -> str:
    """Return the page for a sync that waits, fails or is paused; nothing for one that is fine."""
    sync = shown.sync
    if sync.state not in (SyncState.WAITING, SyncState.FAILING, SyncState.PAUSED):
        return ""
    if sync.state == SyncState.WAITING and sync.hold:
        found = of_hold(sync.hold.kind, not_granted=bool(sync.hold.lacks))
    elif sync.state == SyncState.FAILING and sync.last_run:
        found = of_failure(sync.last_run.cause)
    else:
        found = ""
    return found or of_badge(shown.badge)


def _path(page: str | None) -> str:
    return f"{ROOT}/{page}" if page else ""
