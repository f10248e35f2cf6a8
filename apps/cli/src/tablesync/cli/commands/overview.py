"""`tablesync status`: how the whole workspace is."""

from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text
from tablesync.cli import session
from tablesync.cli.errors import told
from tablesync.cli.layout import overview
from tablesync.cli.session import AsJson, print_json, print_line, say, talk
from tablesync.cli.status import read
from tablesync.client import AwayError, TableSync

WATCH_SECONDS = 2.0


def status(
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking until Ctrl-C.")] = False,
) -> None:
    """Show connections, syncs with their last runs, and open incidents.

    Watched with --json it is an object in a line for each look.
    """
    if watch:
        _watch(as_json)

    async def work(tablesync: TableSync) -> None:
        found = await read(tablesync)
        if as_json:
            print_json(found.as_json())
        else:
            Console().print(overview(found))
        if found.problems:
            raise AwayError(f"{len(found.problems)} service(s)", "did not answer.")

    talk(work)


def _watch(as_json: bool) -> None:
    try:
        talk(_print_each_look if as_json else _show_each_look)
    except KeyboardInterrupt:
        raise typer.Exit from None


async def _show_each_look(tablesync: TableSync) -> None:
    with Live(screen=True, auto_refresh=False) as live:
        while True:
            live.update(await _look(tablesync), refresh=True)
            await session.pause(WATCH_SECONDS)


async def _print_each_look(tablesync: TableSync) -> None:
    aside = Console(stderr=True)
    while True:
        try:
            print_line((await read(tablesync)).as_json())
        except AwayError as error:
            say(aside, told(error), style="yellow")
        await session.pause(WATCH_SECONDS)


async def _look(tablesync: TableSync) -> RenderableType:
    """Read once; a service that is away is waited for."""
    try:
        return overview(await read(tablesync))
    except AwayError as error:
        return Text(told(error), style="bold red")
