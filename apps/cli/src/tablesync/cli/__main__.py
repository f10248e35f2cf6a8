"""The `tablesync` command: how the workspace is, connecting accounts, and what was parked."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text
from tablesync.cli import addresses, checks, connect, dlq
from tablesync.cli.answers import Attempt, DeadLetter, Started
from tablesync.cli.client import Client
from tablesync.cli.errors import AwayError, CliError, RefusedError
from tablesync.cli.layout import overview
from tablesync.cli.status import read
from tablesync.contracts import RunStatus

WATCH_SECONDS = 2.0

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="TableSync from a terminal. Reads TABLESYNC_API_TOKEN and the services' URLs from the "
    "environment, or .local/up.json in the current folder.",
)
dead_letters = typer.Typer(no_args_is_help=True, help="What services could not handle.")
app.add_typer(dead_letters, name="dlq")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Service = Annotated[str | None, typer.Option(help="The service that parked it.")]
Topic = Annotated[str, typer.Argument(help="The topic, as `dlq list` shows it.")]
Limit = Annotated[int, typer.Option(min=1, help="How many to list at most.")]
Replayed = Annotated[bool, typer.Option("--replayed", help="List what was replayed, too.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for “Start again” on the page.")]
Shop = Annotated[
    str | None, typer.Option(help="The shop's domain, where a provider has one for each.")
]
LetterId = Annotated[int, typer.Argument(help="The id, as `dlq list` shows it.")]


@app.command()
def status(
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking until Ctrl-C.")] = False,
) -> None:
    """Show connections, syncs with their last runs, and open incidents."""
    with _client() as client:
        if watch:
            _watch(client)
        found = read(client)
        if as_json:
            _print_json(found.as_json())
        else:
            Console().print(overview(found))
        if found.problems:
            raise AwayError(f"{len(found.problems)} service(s) did not answer.")


@app.command()
def check(
    sync_id: Annotated[str, typer.Argument(help="The id, as `status` shows it.")],
    as_json: AsJson = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for what it finds.")] = 0,
) -> None:
    """Check everything: compare every record and every row of a sync, and mend what differs."""
    with _client() as client:
        asked = checks.ask(client, sync_id)
        run = checks.ended(client, asked.run_id, wait) if wait else None
        if as_json:
            _print_json(run.said if run else {"run_id": asked.run_id})
        elif run is None:
            Console().print(f"Everything is being checked by {asked.run_id}.", soft_wrap=True)
        else:
            Console().print(run.summary or run.status, markup=False, soft_wrap=True)
        if run is not None and run.status != RunStatus.SUCCEEDED:
            raise RefusedError(f"Not everything was checked: the run has {run.status}.")


@app.command("connect")
def connect_account(
    provider: Annotated[str, typer.Argument(help="Such as `hubspot` or `airtable`.")],
    shop: Shop = None,
    as_json: AsJson = False,
    wait: Wait = 600,
) -> None:
    """Connect an account: print the page to open in a browser, and wait for the outcome."""
    with _client() as client:
        _see_through(client, connect.begin(client, provider, shop=shop), as_json, wait)


@app.command()
def reconnect(
    connection_id: Annotated[str, typer.Argument(help="The id, as `status` shows it.")],
    as_json: AsJson = False,
    wait: Wait = 600,
) -> None:
    """Connect the same account once more; its syncs, schedules and history stay."""
    with _client() as client:
        provider = connect.connection(client, connection_id).provider
        _see_through(client, connect.begin(client, provider, connection_id), as_json, wait)


def _see_through(client: Client, started: Started, as_json: bool, wait: float) -> None:
    """Tell which page to open and what came of it; raises RefusedError if nothing did."""
    aside = Console(stderr=as_json)
    aside.print(f"Open in a browser: {started.start_url}", soft_wrap=True, markup=False)

    def failed(attempt: Attempt) -> None:
        if wait:
            text = f"{connect.why_not(attempt)} Start again on that page, or stop with Ctrl-C."
            aside.print(text, style="yellow", markup=False)

    attempt = connect.outcome(client, started.id, wait, failed)
    if as_json:
        _print_json(attempt.said)
    if attempt.status != connect.COMPLETED or attempt.connection_id is None:
        raise RefusedError(f"Not connected: {connect.why_not(attempt)}")
    if not as_json:
        made = connect.connection(client, attempt.connection_id)
        Console().print(connect.connected(attempt, made))


@dead_letters.command("list")
def list_letters(
    service: Service = None,
    as_json: AsJson = False,
    limit: Limit = 1_000,
    replayed: Replayed = False,
) -> None:
    """List what services parked and did not replay yet, and why; oldest first."""
    with _client() as client:
        found = list(islice(dlq.letters(client, service, replayed=replayed), limit + 1))
    _print_letters(found[:limit], as_json)
    if len(found) > limit:
        Console(stderr=True).print(f"There are more than these {limit:,}: --limit shows more.")


def _print_letters(found: list[DeadLetter], as_json: bool) -> None:
    if as_json:
        _print_json({"items": [each.said for each in found]})
    elif found:
        Console().print(dlq.table(found))
    else:
        Console().print("Nothing is parked that waits for a replay.")


@dead_letters.command()
def show(topic: Topic, letter_id: LetterId, service: Service = None) -> None:
    """Show one dead letter with its headers and value, as JSON."""
    with _client() as client:
        _print_json(
            dlq.show(client, dlq.owner(client, service, topic, letter_id), topic, letter_id)
        )


@dead_letters.command()
def replay(
    topic: Annotated[str | None, typer.Argument(help="The topic.")] = None,
    letter_id: Annotated[int | None, typer.Argument(help="The id.")] = None,
    service: Service = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that was not replayed yet.")
    ] = False,
) -> None:
    """Have the service that parked a dead letter handle it again, and no other service."""
    if everything == (topic is not None):
        raise typer.BadParameter("give a topic and an id, or --all")
    with _client() as client:
        if everything:
            _replay_all(client, service)
        elif topic is not None and letter_id is not None:
            whose = dlq.owner(client, service, topic, letter_id)
            at = dlq.replay(client, whose, topic, letter_id)
            Console().print(f"{whose} has handled {topic} {letter_id} at {at}.")
        else:
            raise typer.BadParameter("give the id, too")


def _replay_all(client: Client, service: str | None) -> None:
    done = failed = 0
    try:
        for problem in dlq.replay_all(client, service):
            if problem is None:
                done += 1
            else:
                failed += 1
                Console().print(problem, style="red", markup=False)
    finally:
        Console().print(f"Replayed {done}, failed {failed}.")
    if failed:
        raise RefusedError("Not everything could be replayed.")


def _watch(client: Client) -> None:
    with Live(screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.update(_look(client), refresh=True)
                time.sleep(WATCH_SECONDS)
        except KeyboardInterrupt:
            raise typer.Exit from None


def _look(client: Client) -> RenderableType:
    """Read once; a service that is away is waited for."""
    try:
        return overview(read(client))
    except AwayError as error:
        return Text(str(error), style="bold red")


@contextmanager
def _client() -> Iterator[Client]:
    """Open a client; an error is said in one line on stderr, and becomes the exit code."""
    try:
        with Client(addresses.find()) as client:
            yield client
    except CliError as error:
        Console(stderr=True).print(str(error), style="bold red", markup=False, soft_wrap=True)
        raise typer.Exit(error.exit_code) from error


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    app()
