"""`tablesync runs`: what syncs did."""

from datetime import datetime
from functools import partial
from typing import Annotated

import typer
from rich.console import Console, Group
from tablesync.cli import layout
from tablesync.cli.session import AsJson, print_items, talk, whole
from tablesync.client import TableSync
from tablesync.contracts import RunStatus, Trigger

# A day, a moment where the terminal is, and a moment that names its zone.
MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def runs(
    *,
    sync_id: Annotated[str | None, typer.Option("--sync", help="Of this sync alone.")] = None,
    connection_id: Annotated[
        str | None, typer.Option("--connection", help="Of the syncs of this connection.")
    ] = None,
    status: Annotated[RunStatus | None, typer.Option(help="Those that ended, or are, so.")] = None,
    trigger: Annotated[Trigger | None, typer.Option(help="Those that this asked for.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=MOMENTS, help="Asked for then or later.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=MOMENTS, help="Asked for earlier than then.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first: what each did, and why it ended as it did."""

    async def work(tablesync: TableSync) -> None:
        unread: list[str] = []
        wanted = partial(
            tablesync.runs.page,
            sync_id=sync_id,
            connection_id=connection_id,
            status=status,
            trigger=trigger,
            since=_here(since),
            until=_here(until),
        )
        found = await whole(wanted, unread, limit)
        if as_json:
            print_items(found, unread)
        else:
            Console().print(Group(layout.runs(found), *layout.cannot_read(unread)))

    talk(work)


def _here(typed: datetime | None) -> datetime | None:
    """Take a time that names no zone for one of the terminal's."""
    return typed.astimezone() if typed else None
