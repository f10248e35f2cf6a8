"""The `tablesync` command: what there is to type."""

import typer
from tablesync.cli.commands import (
    accounts,
    dead_letters,
    events,
    incidents,
    runs,
    signing_in,
    syncs,
)
from tablesync.cli.commands.overview import status

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="TableSync from a terminal. Knows the services and you from the environment, from "
    "`.local/up.json` in the current folder, or from `tablesync login`.",
)
app.command()(status)
app.command()(accounts.connections)
app.command()(accounts.connect)
app.command()(accounts.reconnect)
app.command()(accounts.disconnect)
app.command()(syncs.syncs)
app.command()(syncs.run)
app.command()(syncs.check)
app.command()(syncs.pause)
app.command()(syncs.resume)
app.command()(syncs.delete)
app.command()(runs.runs)
app.command()(incidents.incidents)
app.command()(signing_in.login)
app.command()(signing_in.logout)

following = typer.Typer(no_args_is_help=True, help="What changes, as it changes.")
following.command()(events.tail)
app.add_typer(following, name="events")

letters = typer.Typer(no_args_is_help=True, help="What services could not handle.")
letters.command("list")(dead_letters.list_letters)
letters.command()(dead_letters.show)
letters.command()(dead_letters.replay)
app.add_typer(letters, name="dlq")

if __name__ == "__main__":
    app()
