"""A command's talk with the services: its client, and what goes wrong said in one line."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Protocol, TypeVar
from uuid import uuid4

import typer
from pydantic import BaseModel
from rich.console import Console
from tablesync.cli import addresses
from tablesync.cli.errors import TOLD, exit_code, told
from tablesync.client import ApiToken, Page, TableSync, UnconfirmedError

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
# How often a change that was not confirmed is sent once more; it is made once by its key.
TRIES = 3
RETRY_SECONDS = 1.0


def talk(work: Callable[[TableSync], Coroutine[Any, Any, None]]) -> None:
    """Do a command's work; an error is said on stderr and becomes the exit code."""
    with errors_told():
        asyncio.run(_with_client(work))


@contextmanager
def errors_told() -> Iterator[None]:
    """Say an error in one line on stderr, and end with its exit code."""
    try:
        yield
    except TOLD as error:
        say(Console(stderr=True), told(error), style="bold red")
        raise typer.Exit(exit_code(error)) from error


async def _with_client(work: Callable[[TableSync], Coroutine[Any, Any, None]]) -> None:
    found = addresses.find()
    async with TableSync(found.urls, ApiToken(found.api_token)) as tablesync:
        await work(tablesync)


async def surely(change: Callable[[str], Awaitable[T]]) -> T:
    """Have a change made by its key, which is sent again while nobody confirms it."""
    key = str(uuid4())
    for _ in range(TRIES - 1):
        try:
            return await change(key)
        except UnconfirmedError:
            await pause(RETRY_SECONDS)
    return await change(key)


async def pause(seconds: float) -> None:
    """Wait, until it is worth looking again."""
    await asyncio.sleep(seconds)


class Pages(Protocol[M]):
    """Asks for one page of a list."""

    def __call__(self, *, limit: int | None, cursor: str | None) -> Awaitable[Page[M]]:
        """Ask for the page after a cursor, of so many items at most."""


async def whole(pages: Pages[M], unread: list[str], most: int | None = None) -> list[M]:
    """Read a list to its end, or so many of it; what nobody can read is noted in `unread`."""
    found: list[M] = []
    cursor: str | None = None
    while True:
        page = await pages(limit=most, cursor=cursor)
        found += page.items
        unread += page.unread_ids
        cursor = page.next_cursor
        if cursor is None or (most is not None and len(found) >= most):
            return found[:most]


def say(console: Console, text: str, style: str | None = None) -> None:
    """Print a text as it is, in one line however narrow the terminal is."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print JSON on stdout."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_line(value: Any) -> None:
    """Print JSON in a line of its own, at once: more is to come."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_items(items: list[Any], unread: list[str]) -> None:
    """Print a list as services said it."""
    print_json({"items": [each.said for each in items], **({"unread": unread} if unread else {})})
