"""`tablesync login` and `logout`: the API token and the addresses, kept for later commands."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from tablesync.cli import addresses, kept
from tablesync.cli.addresses import NotConfiguredError
from tablesync.cli.session import AsJson, errors_told, print_json, say
from tablesync.client import ApiToken, TableSync
from tablesync.contracts.public_api.people import UserToken, WorkspaceView

Url = Annotated[str | None, typer.Option(help="Its address; else as its variable or `up` says.")]


def login(
    auth_service: Url = None,
    scheduler: Url = None,
    sync_runner: Url = None,
    notifier: Url = None,
    as_json: AsJson = False,
) -> None:
    """Ask for an API token, or read it from stdin, and keep it with the services' addresses."""
    given = {
        "auth-service": auth_service,
        "scheduler": scheduler,
        "sync-runner": sync_runner,
        "notifier": notifier,
    }
    with errors_told():
        urls = {**addresses.known().urls, **{each: url for each, url in given.items() if url}}
        if "auth-service" not in urls:
            raise NotConfiguredError(addresses.why_no_address("auth-service"))
        secret = _secret()
        who, where = asyncio.run(_who(urls, secret))
        kept.keep(kept.path(), urls, secret)
    if as_json:
        said = {name: who.said[name] for name in ("workspace_id", "operator_id", "role")}
        print_json({**said, "services": sorted(urls)})
        return
    say(Console(), f"Signed in to “{where.name}” as {who.role}.")
    for each in (name for name in addresses.SERVICES if name not in urls):
        say(Console(stderr=True), addresses.why_no_address(each), style="yellow")


def logout(as_json: AsJson = False) -> None:
    """Forget the API token and the addresses; the token itself goes on to be good."""
    forgotten = kept.forget(kept.path())
    if as_json:
        print_json({"signed_out": forgotten})
    elif forgotten:
        say(Console(), "Signed out. The API token itself goes on to be good until it is deleted.")
    else:
        say(Console(), "Nobody was signed in.")


def _secret() -> str:
    """Ask for the token where somebody types, and read a line of stdin where a script does."""
    if sys.stdin.isatty():
        typed: str = typer.prompt("API token", hide_input=True)
        return typed.strip()
    secret = sys.stdin.readline().strip()
    if not secret:
        raise NotConfiguredError("There is no API token on stdin: send one, or type it.")
    return secret


async def _who(urls: Mapping[str, str], secret: str) -> tuple[UserToken, WorkspaceView]:
    """Check a token; raises TableSyncError."""
    credentials = ApiToken(secret)
    async with TableSync(urls, credentials) as tablesync:
        return await credentials.signed_in(), await tablesync.members.workspace()
