"""`tablesync dlq`: what services could not handle, for those who run TableSync."""

from typing import Annotated

import typer
from rich.console import Console
from tablesync.cli import dlq
from tablesync.cli.dlq import Letter
from tablesync.cli.errors import RefusedError
from tablesync.cli.session import AsJson, print_json, say, talk
from tablesync.client import TableSync

Service = Annotated[str | None, typer.Option(help="The service that parked it.")]
Topic = Annotated[str, typer.Argument(help="The topic, as `dlq list` shows it.")]
Limit = Annotated[int, typer.Option(min=1, help="How many to list at most.")]
Replayed = Annotated[bool, typer.Option("--replayed", help="List what was replayed, too.")]
LetterId = Annotated[int, typer.Argument(help="The id, as `dlq list` shows it.")]


def list_letters(
    service: Service = None,
    as_json: AsJson = False,
    limit: Limit = 1_000,
    replayed: Replayed = False,
) -> None:
    """List what services parked and did not replay yet, and why; oldest first."""

    async def work(tablesync: TableSync) -> None:
        found: list[Letter] = []
        async for each in dlq.letters(tablesync, service, replayed=replayed):
            found.append(each)
            if len(found) > limit:
                break
        _print_letters(found[:limit], as_json)
        if len(found) > limit:
            say(Console(stderr=True), f"There are more than these {limit:,}: --limit shows more.")

    talk(work)


def show(
    topic: Topic,
    letter_id: LetterId,
    service: Service = None,
    as_json: AsJson = True,
) -> None:
    """Show one dead letter with its headers and value, always as JSON."""

    async def work(tablesync: TableSync) -> None:
        whose = await dlq.owner(tablesync, service, topic, letter_id)
        print_json((await dlq.show(tablesync, whose, topic, letter_id)).said)

    talk(work)


def replay(
    topic: Annotated[str | None, typer.Argument(help="The topic.")] = None,
    letter_id: Annotated[int | None, typer.Argument(help="The id.")] = None,
    service: Service = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that was not replayed yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have the service that parked a dead letter handle it again, and no other service."""
    if everything == (topic is not None):
        raise typer.BadParameter("give a topic and an id, or --all")
    if topic is not None and letter_id is None:
        raise typer.BadParameter("give the id, too")

    async def work(tablesync: TableSync) -> None:
        if topic is None or letter_id is None:
            await _replay_all(tablesync, service, as_json)
            return
        whose = await dlq.owner(tablesync, service, topic, letter_id)
        done = await dlq.replay(tablesync, whose, topic, letter_id)
        if as_json:
            print_json({"service": whose, **done.said})
        else:
            say(Console(), f"{whose} has handled {topic} {letter_id} at {done.replayed_at}.")

    talk(work)


async def _replay_all(tablesync: TableSync, service: str | None, as_json: bool) -> None:
    done, failed = 0, list[str]()
    try:
        async for problem in dlq.replay_all(tablesync, service):
            if problem is None:
                done += 1
            else:
                failed.append(problem)
                say(Console(stderr=as_json), problem, style="red")
    finally:
        if as_json:
            print_json({"replayed": done, "failed": failed})
        else:
            say(Console(), f"Replayed {done}, failed {len(failed)}.")
    if failed:
        raise RefusedError("Not everything could be replayed.")


def _print_letters(found: list[Letter], as_json: bool) -> None:
    if as_json:
        print_json({"items": [each.said for each in found]})
    elif found:
        Console().print(dlq.table(found))
    else:
        say(Console(), "Nothing is parked that waits for a replay.")
