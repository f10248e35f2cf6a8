"""Connecting an account: a browser does it, the command waits for the outcome and tells it.

Where an attempt came to nothing, its page offers to start again: the command goes along.
"""

import os
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text
from tablesync.cli import session
from tablesync.cli.format import badge, label, plain, whole
from tablesync.client import TableSync
from tablesync.contracts.public_api.connections import (
    AuthorizationStatus,
    AuthorizationView,
    ConnectionFinding,
    ConnectionView,
    CreatedAuthorization,
    Finding,
    NewAuthorization,
)

POLL_SECONDS = 1.0
COMPLETED, PENDING = AuthorizationStatus.COMPLETED, AuthorizationStatus.PENDING
_WHY: Mapping[str, str] = {
    AuthorizationStatus.DENIED: "Access was not allowed.",
    AuthorizationStatus.EXPIRED: "It was not finished in ten minutes.",
    AuthorizationStatus.CANCELLED: "Somebody cancelled it.",
}


async def begin(tablesync: TableSync, **wanted: str | None) -> CreatedAuthorization:
    """Ask for a page on which an account is connected; raises TableSyncError."""
    # An auth-service of an earlier version does not know of shops: what is not given is not sent.
    given = {name: value for name, value in wanted.items() if value is not None}
    body = NewAuthorization.model_validate(given)
    return await session.surely(
        lambda key: tablesync.authorizations.create(body, idempotency_key=key)
    )


def open_browser(url: str) -> bool:
    """Whether a browser of this desktop shows the page; none is opened inside the terminal."""
    desktop = sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return bool(desktop and sys.stderr.isatty() and webbrowser.open(url))


async def outcome(
    tablesync: TableSync,
    attempt_id: str,
    wait_seconds: float,
    failed: Callable[[AuthorizationView], None],
) -> AuthorizationView:
    """Wait until an attempt has succeeded, it or one that was begun after it.

    `failed` hears of each that came to nothing; the last one is returned if none has been begun
    anew for so long. Raises TableSyncError.
    """
    told, left = "", wait_seconds
    async for attempt in _states(tablesync, attempt_id):
        if attempt.status == COMPLETED:
            return attempt
        if attempt.status != PENDING:
            if told != attempt.id:
                told, left = attempt.id, wait_seconds
                failed(attempt)
            if left <= 0:
                return attempt
            left -= POLL_SECONDS
        await session.pause(POLL_SECONDS)
    raise AssertionError("states have no end")


def why_not(attempt: AuthorizationView) -> str:
    """Say why nothing came of an attempt."""
    if attempt.finding:
        return attempt.finding.message
    return _WHY.get(attempt.status, f"It is {attempt.status}.")


def connected(attempt: AuthorizationView, made: ConnectionView) -> RenderableType:
    """Lay out what was connected, and what it lacks."""
    notes = [each for each in (attempt.finding, *made.findings) if each]
    return Group(
        badge(made.badge).append("  ").append(plain(label(made))),
        whole(f"  {made.id}"),
        *_lacking(notes, made.id),
    )


async def _states(tablesync: TableSync, attempt_id: str) -> AsyncIterator[AuthorizationView]:
    """Yield an attempt as it is now, whenever asked, and whatever goes on in its place."""
    while True:
        attempt = await tablesync.authorizations.get(attempt_id)
        if attempt.status == COMPLETED or attempt.continued_by is None:
            yield attempt
        else:
            attempt_id = attempt.continued_by


def _lacking(notes: Sequence[Finding | ConnectionFinding], connection_id: str) -> Iterator[Text]:
    yield from (Text("  ").append(plain(each.message)) for each in notes)
    if notes:
        yield Text("  To connect once more:")
        yield whole(f"    tablesync reconnect {connection_id}")
