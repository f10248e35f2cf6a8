"""`tablesync events tail`: what changes, line by line, until Ctrl-C."""

import typer
from rich.console import Console
from tablesync.cli.events import changes
from tablesync.cli.session import AsJson, print_line, say, talk
from tablesync.client import TableSync


def tail(as_json: AsJson = False) -> None:
    """Follow connections, runs and incidents: a line for each change; with --json one object."""
    aside = Console(stderr=True)

    async def work(tablesync: TableSync) -> None:
        say(aside, "Looking for changes. Ctrl-C ends it.", style="dim")
        async for each in changes(tablesync, lambda why: say(aside, why, style="yellow")):
            if as_json:
                print_line(each.said)
            else:
                Console().print(each.line(), soft_wrap=True)

    try:
        talk(work)
    except KeyboardInterrupt:
        raise typer.Exit from None
