"""`tablesync syncs`, `run`, `check`, `pause`, `resume` and `delete`."""

from functools import partial
from typing import Annotated

import typer
from rich.console import Console, Group
from tablesync.cli import layout, runs
from tablesync.cli.errors import RefusedError
from tablesync.cli.format import plain
from tablesync.cli.session import AsJson, print_items, print_json, say, surely, talk, whole
from tablesync.client import AwayError, TableSync
from tablesync.contracts import RunStatus
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.runs import RequestedRun, RunView
from tablesync.contracts.public_api.syncs import SyncState, SyncView

SyncId = Annotated[str, typer.Argument(help="The id, as `syncs` shows it.")]


def syncs(
    search: Annotated[str | None, typer.Option(help="A part of the name, in any case.")] = None,
    state: Annotated[SyncState | None, typer.Option(help="Those that are so.")] = None,
    connection_id: Annotated[
        str | None, typer.Option("--connection", help="Those that read or write with this one.")
    ] = None,
    base_id: Annotated[str | None, typer.Option("--base", help="Those into this base.")] = None,
    table_id: Annotated[str | None, typer.Option("--table", help="Those into this table.")] = None,
    as_json: AsJson = False,
) -> None:
    """List syncs: how each is, what its last run did, and when the next one comes."""

    async def work(tablesync: TableSync) -> None:
        unread: list[str] = []
        wanted = partial(
            tablesync.syncs.page,
            q=search,
            state=state,
            connection_id=connection_id,
            base_id=base_id,
            table_id=table_id,
        )
        found = await whole(wanted, unread)
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


def pause(sync_id: SyncId, as_json: AsJson = False) -> None:
    """Stop a sync until it is resumed; a run in progress goes on."""

    async def work(tablesync: TableSync) -> None:
        sync = await surely(lambda key: tablesync.syncs.pause(sync_id, idempotency_key=key))
        _print_changed(sync, "paused", as_json)

    talk(work)


def resume(sync_id: SyncId, as_json: AsJson = False) -> None:
    """Let a paused sync go on with its next slot."""

    async def work(tablesync: TableSync) -> None:
        sync = await surely(lambda key: tablesync.syncs.resume(sync_id, idempotency_key=key))
        _print_changed(sync, "resumed", as_json)

    talk(work)


def delete(
    sync_id: SyncId,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a sync; its history and its rows in Airtable stay."""

    async def work(tablesync: TableSync) -> None:
        if not sure:
            await _ask_whether(tablesync, sync_id)
        await surely(lambda key: tablesync.syncs.delete(sync_id, idempotency_key=key))
        if as_json:
            print_json({"deleted": sync_id})
        else:
            say(Console(), f"{sync_id} was deleted. Its rows in Airtable stay.")

    talk(work)


async def _ask_whether(tablesync: TableSync, sync_id: str) -> None:
    """Have somebody say that it is this sync that is meant; raises typer.Abort otherwise."""
    sync = await tablesync.syncs.get(sync_id)
    question = f"Delete “{sync.name}”? Its history and its rows in Airtable stay."
    typer.confirm(str(plain(question)), abort=True, err=True)


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


def _print_changed(sync: SyncView, what: str, as_json: bool) -> None:
    if as_json:
        print_json(sync.said)
    else:
        say(Console(), str(plain(f"“{sync.name}” was {what}.")))


def _print_ended(run: RunView, as_json: bool) -> None:
    if as_json:
        print_json(run.said)
    else:
        say(Console(), run.summary or run.status)
