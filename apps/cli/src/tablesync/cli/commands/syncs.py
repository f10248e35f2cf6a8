"""`tablesync syncs`, `run`, `check` and `runs`."""

from functools import partial
from typing import Annotated

import typer
from rich.console import Console, Group
from tablesync.cli import layout, runs
from tablesync.cli.errors import RefusedError
from tablesync.cli.session import AsJson, print_items, print_json, say, surely, talk, whole
from tablesync.client import AwayError, TableSync
from tablesync.contracts import RunStatus
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.runs import RequestedRun, RunView

SyncId = Annotated[str, typer.Argument(help="The id, as `syncs` shows it.")]


def syncs(as_json: AsJson = False) -> None:
    """List syncs: how each is, what its last run did, and when the next one comes."""

    async def work(tablesync: TableSync) -> None:
        unread: list[str] = []
        found = await whole(tablesync.syncs.page, unread)
        if as_json:
            print_items(found, unread)
        else:
            of = await _connections(tablesync)
            Console().print(Group(layout.syncs(found, of), *layout.cannot_read(unread)))

    talk(work)


def run(
    sync_id: SyncId,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for its end, and show how far it is.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a sync now; Ctrl-C while it is waited for leaves it running."""

    async def work(tablesync: TableSync) -> None:
        asked = await surely(lambda key: tablesync.syncs.run(sync_id, idempotency_key=key))
        if not wait:
            _print_asked(asked, f"{asked.run_id} was asked for.", as_json)
            return
        ended = await runs.followed(tablesync, asked.run_id, Console(stderr=True))
        _print_ended(ended, as_json)
        if ended.status != RunStatus.SUCCEEDED:
            raise RefusedError(f"The run has {ended.status}.")

    talk(work)


def check(
    sync_id: SyncId,
    as_json: AsJson = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for what it finds.")] = 0,
) -> None:
    """Check everything: compare every record and every row of a sync, and mend what differs."""

    async def work(tablesync: TableSync) -> None:
        asked = await surely(lambda key: tablesync.syncs.check(sync_id, idempotency_key=key))
        if not wait:
            _print_asked(asked, f"Everything is being checked by {asked.run_id}.", as_json)
            return
        ended = await runs.ended(tablesync, asked.run_id, wait)
        _print_ended(ended, as_json)
        if ended.status != RunStatus.SUCCEEDED:
            raise RefusedError(f"Not everything was checked: the run has {ended.status}.")

    talk(work)


def list_runs(
    sync_id: Annotated[str | None, typer.Option("--sync", help="Of this sync alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first: what each did, and why it ended as it did."""

    async def work(tablesync: TableSync) -> None:
        unread: list[str] = []
        found = await whole(partial(tablesync.runs.page, sync_id=sync_id), unread, limit)
        if as_json:
            print_items(found, unread)
        else:
            Console().print(Group(layout.runs(found), *layout.cannot_read(unread)))

    talk(work)


async def _connections(tablesync: TableSync) -> list[ConnectionView]:
    """Return the connections for their names; syncs are listed without, while nobody tells."""
    try:
        return await whole(tablesync.connections.page, [])
    except AwayError:
        return []


def _print_asked(asked: RequestedRun, text: str, as_json: bool) -> None:
    if as_json:
        print_json(asked.said)
    else:
        say(Console(), text)


def _print_ended(run: RunView, as_json: bool) -> None:
    if as_json:
        print_json(run.said)
    else:
        say(Console(), run.summary or run.status)
