"""`tablesync connections`, `connect`, `reconnect` and `disconnect`."""

from typing import Annotated

import typer
from rich.console import Console, Group
from tablesync.cli import connect as connecting
from tablesync.cli import layout
from tablesync.cli.errors import RefusedError
from tablesync.cli.format import badge, label, plain
from tablesync.cli.session import AsJson, print_items, print_json, say, surely, talk, whole
from tablesync.client import TableSync
from tablesync.contracts.public_api.connections import AuthorizationView, CreatedAuthorization

ConnectionId = Annotated[str, typer.Argument(help="The id, as `connections` shows it.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for “Start again” on the page.")]
Shop = Annotated[
    str | None, typer.Option(help="The shop's domain, where a provider has one for each.")
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Print the page's address, and open nothing.")
]


def connections(as_json: AsJson = False) -> None:
    """List connections: how each is, and why."""

    async def work(tablesync: TableSync) -> None:
        unread: list[str] = []
        found = await whole(tablesync.connections.page, unread)
        if as_json:
            print_items(found, unread)
        else:
            Console().print(Group(layout.connections(found), *layout.cannot_read(unread)))

    talk(work)


def connect(
    provider: Annotated[str, typer.Argument(help="Such as `hubspot` or `airtable`.")],
    shop: Shop = None,
    no_browser: NoBrowser = False,
    as_json: AsJson = False,
    wait: Wait = 600,
) -> None:
    """Connect an account: show the page to open in a browser, and wait for the outcome."""

    async def work(tablesync: TableSync) -> None:
        started = await connecting.begin(tablesync, provider=provider, shop=shop)
        await _see_through(tablesync, started, no_browser, as_json, wait)

    talk(work)


def reconnect(
    connection_id: ConnectionId,
    no_browser: NoBrowser = False,
    as_json: AsJson = False,
    wait: Wait = 600,
) -> None:
    """Connect the same account once more; its syncs, schedules and history stay."""

    async def work(tablesync: TableSync) -> None:
        provider = (await tablesync.connections.get(connection_id)).provider
        started = await connecting.begin(tablesync, provider=provider, connection_id=connection_id)
        await _see_through(tablesync, started, no_browser, as_json, wait)

    talk(work)


def disconnect(connection_id: ConnectionId, as_json: AsJson = False) -> None:
    """Forget a connection's tokens: its syncs wait until it is connected again."""

    async def work(tablesync: TableSync) -> None:
        gone = await surely(
            lambda key: tablesync.connections.disconnect(connection_id, idempotency_key=key)
        )
        if as_json:
            print_json(gone.said)
        else:
            Console().print(badge(gone.badge).append("  ").append(plain(label(gone))))

    talk(work)


async def _see_through(
    tablesync: TableSync,
    started: CreatedAuthorization,
    no_browser: bool,
    as_json: bool,
    wait: float,
) -> None:
    """Tell which page to open and what came of it; raises RefusedError if nothing did."""
    aside = Console(stderr=as_json)
    opened = not no_browser and connecting.open_browser(started.start_url)
    say(aside, f"{'Opened' if opened else 'Open'} in a browser: {started.start_url}")

    def failed(attempt: AuthorizationView) -> None:
        if wait:
            why = connecting.why_not(attempt)
            say(aside, f"{why} Start again on that page, or stop with Ctrl-C.", style="yellow")

    attempt = await connecting.outcome(tablesync, started.id, wait, failed)
    if as_json:
        print_json(attempt.said)
    if attempt.status != connecting.COMPLETED or attempt.connection_id is None:
        raise RefusedError(f"Not connected: {connecting.why_not(attempt)}")
    if not as_json:
        made = await tablesync.connections.get(attempt.connection_id)
        Console().print(connecting.connected(attempt, made))
