"""`tablesync incidents`: what went wrong, and who was mailed about it."""

from functools import partial
from typing import Annotated

import typer
from rich.console import Console, Group
from tablesync.cli import layout
from tablesync.cli.session import AsJson, print_items, talk, whole
from tablesync.client import TableSync
from tablesync.contracts.public_api.incidents import IncidentStatus

Closed = Annotated[bool, typer.Option("--all", help="Those that are over, too.")]
Of = Annotated[str | None, typer.Option("--connection", help="Of this connection and its syncs.")]
OfSync = Annotated[str | None, typer.Option("--sync", help="Of this sync alone.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many at most.")]


def incidents(
    closed: Closed = False,
    connection_id: Of = None,
    sync_id: OfSync = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List incidents, newest first."""

    async def work(tablesync: TableSync) -> None:
        unread: list[str] = []
        wanted = partial(
            tablesync.incidents.page,
            status=None if closed else IncidentStatus.OPEN,
            connection_id=connection_id,
            sync_id=sync_id,
        )
        found = await whole(wanted, unread, limit)
        if as_json:
            print_items(found, unread)
        else:
            what = "incidents" if closed else "open incidents"
            title = what.capitalize() if found else f"No {what}."
            Console().print(Group(layout.incidents(found, {}, title), *layout.cannot_read(unread)))

    talk(work)
