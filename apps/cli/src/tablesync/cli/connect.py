"""Connecting an account: a browser does it, the command waits for the outcome and tells it.

Where an attempt came to nothing, its page offers to start again: the command goes along.
"""

import time
from collections.abc import Callable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text
from tablesync.cli.answers import Attempt, Connection, Note, Started, read
from tablesync.cli.client import Client
from tablesync.cli.format import badge, plain

AUTH = "auth-service"
POLL_SECONDS = 1.0
COMPLETED, PENDING = "completed", "pending"
_WHY = {"denied": "Access was not allowed.", "expired": "It was not finished in ten minutes."}


def begin(
    client: Client, provider: str, connection_id: str | None = None, shop: str | None = None
) -> Started:
    """Ask for a page on which an account is connected; raises a CliError."""
    wanted = {"provider": provider, "connection_id": connection_id}
    # An auth-service of an earlier version does not know of shops.
    given = {"shop": shop} if shop is not None else {}
    return read(Started, AUTH, client.post(AUTH, "/v1/authorizations", {**wanted, **given}))


def connection(client: Client, connection_id: str) -> Connection:
    """Read a connection; raises a CliError."""
    return read(Connection, AUTH, client.get(AUTH, f"/v1/connections/{connection_id}"))


def outcome(
    client: Client, attempt_id: str, wait_seconds: float, failed: Callable[[Attempt], None]
) -> Attempt:
    """Wait until an attempt has succeeded, it or one that was begun after it.

    `failed` hears of each that came to nothing; the last one is returned if none has been begun
    anew for so long. Raises a CliError.
    """
    told, left = "", wait_seconds
    for attempt in _states(client, attempt_id):
        if attempt.status == COMPLETED:
            return attempt
        if attempt.status != PENDING:
            if told != attempt.id:
                told, left = attempt.id, wait_seconds
                failed(attempt)
            if left <= 0:
                return attempt
            left -= POLL_SECONDS
        time.sleep(POLL_SECONDS)
    raise AssertionError("states have no end")


def why_not(attempt: Attempt) -> str:
    """Say why nothing came of an attempt."""
    if attempt.finding:
        return attempt.finding.message
    return _WHY.get(attempt.status, f"It is {attempt.status}.")


def connected(attempt: Attempt, made: Connection) -> RenderableType:
    """Lay out what was connected, and what it lacks."""
    notes = [each for each in (attempt.finding, *made.findings) if each]
    return Group(
        badge(made.badge).append("  ").append(plain(made.label)),
        _whole(f"  {made.id}"),
        *_lacking(notes, made.id),
    )


def _states(client: Client, attempt_id: str) -> Iterator[Attempt]:
    """Yield an attempt as it is now, whenever asked, and whatever goes on in its place."""
    while True:
        said = client.get(AUTH, f"/v1/authorizations/{attempt_id}")
        attempt = read(Attempt, AUTH, said)
        if attempt.status == COMPLETED or attempt.continued_by is None:
            yield attempt
        else:
            attempt_id = attempt.continued_by


def _lacking(notes: list[Note], connection_id: str) -> Iterator[Text]:
    yield from (Text("  ").append(plain(each.message)) for each in notes)
    if notes:
        yield Text("  To connect once more:")
        yield _whole(f"    tablesync reconnect {connection_id}")


def _whole(line: str) -> Text:
    """Return a line that can be copied whole, however narrow the terminal is."""
    return Text(line, style="dim", no_wrap=True, overflow="ignore")
