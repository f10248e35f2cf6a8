"""A day at the terminal: sign in, connect, run, lose access, reconnect, sign out."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import pytest_asyncio
from platform_settings import SMALL
from tablesync.cli.__main__ import app
from tablesync.demo.api import Api
from tablesync.demo.person import Person
from tablesync.demo.story import PORTAL
from tablesync.demo.syncs import definition, tables_of
from tablesync.local_stack.info import StackInfo
from tablesync.test_kit import SandboxControl, eventually
from typer.testing import CliRunner

from .newcomers import Newcomer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Json = dict[str, Any]


@dataclass(frozen=True)
class Terminal:
    """A home of its own, in which `tablesync` knows what it was told there, and nothing else."""

    home: Path

    async def run(
        self,
        *arguments: str,
        stdin: str = "",
        code: int = 0,
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Run a command to its end, as which `code` is expected; return what it said."""
        known = {**self._env, **env}
        done = await asyncio.to_thread(
            CliRunner().invoke, app, arguments, input=stdin, env={**known, "COLUMNS": "200"}
        )
        assert done.exit_code == code, (arguments, done.output, done.exception)
        return done.stdout if code == 0 else done.output

    async def items(self, *arguments: str) -> list[Json]:
        """Return what a list is as JSON."""
        items: list[Json] = json.loads(await self.run(*arguments, "--json"))["items"]
        return items

    async def start(self, *arguments: str) -> Process:
        """Start a command as a process of its own."""
        env = {**os.environ, **{name: value or "" for name, value in self._env.items()}}
        command = (sys.executable, "-m", "tablesync.cli", *arguments)
        return await asyncio.create_subprocess_exec(
            *command, env=env, cwd=self.home, stdout=PIPE, stderr=PIPE, preexec_fn=_heed_ctrl_c
        )

    @property
    def _env(self) -> dict[str, str | None]:
        return {"HOME": str(self.home), "XDG_CONFIG_HOME": None, "TABLESYNC_API_TOKEN": None}


def _heed_ctrl_c() -> None:
    """Be interruptible, also where these tests run in the background of a shell."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Around:
    """What happens beside the terminal: a browser, and the providers."""

    api: Api
    person: Person
    sandbox: SandboxControl


@pytest_asyncio.fixture
async def around(ada: Newcomer) -> AsyncIterator[Around]:
    api = Api(ada.info.urls, ada.info.api_token)
    person = Person(api, ada.sandbox)
    yield Around(api, person, ada.sandbox)
    await person.close()
    await api.close()


async def test_a_day_at_the_terminal(
    ada: Newcomer, around: Around, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(tmp_path)
    await sign_in(ada.info, terminal)
    hubspot = (await connected(around, terminal, "connect", "hubspot"))["connection_id"]
    airtable = (await around.person.connect("airtable"))["connection_id"]
    sync = await a_sync(around, hubspot, airtable)
    tail = await terminal.start("events", "tail", "--json")
    assert tail.stderr
    await tail.stderr.readline()
    seen: list[tuple[str, str, str]] = []
    listening = asyncio.create_task(listen(tail, seen))

    said = await terminal.run("run", sync, "--wait")
    assert SMALL["SANDBOX_DEALS"] in said
    (run,) = await terminal.items("runs", "--sync", sync)
    assert (run["status"], run["trigger"]) == ("succeeded", "manual")
    assert "No open incidents." in await terminal.run("incidents")

    await around.sandbox.control("hubspot", PORTAL, "uninstall")
    assert "The run has" in await terminal.run("run", sync, "--wait", code=1)
    refused = await terminal.run("run", sync, code=1)
    assert "It runs again once its connection is reconnected." in refused
    assert "● Disconnected  hubspot" in await terminal.run("connections")
    assert "held: its connection is lost" in await terminal.run("syncs")
    await eventually(lambda: terminal.items("incidents", "--connection", hubspot), timeout=60)

    outcome = await connected(around, terminal, "reconnect", hubspot)
    assert outcome["connection_id"] == hubspot
    await eventually(lambda: is_quiet(terminal), timeout=120)
    (incident,) = await terminal.items("incidents", "--all", "--connection", hubspot)
    assert incident["status"] == "closed"

    gone = json.loads(await terminal.run("disconnect", airtable, "--json"))
    assert (gone["id"], gone["badge"]) == (airtable, "Disconnected by you")
    await eventually(lambda: ("connection", airtable, "Disconnected by you") in seen, timeout=60)
    told = {
        ("run", run["id"], "succeeded"),
        ("connection", hubspot, "Disconnected"),
        ("connection", hubspot, "Connected"),
        ("incident", incident["id"], "open"),
        ("incident", incident["id"], "closed"),
    }
    await eventually(lambda: told <= set(seen), timeout=60)
    tail.send_signal(signal.SIGINT)
    await listening
    assert await tail.wait() == 0

    await terminal.run("logout")
    assert "tablesync login" in await terminal.run("connections", code=2)


async def sign_in(info: StackInfo, terminal: Terminal) -> None:
    """Sign in with a token from stdin, and the addresses of the environment."""
    urls = {f"{name.upper().replace('-', '_')}_URL": url for name, url in info.urls.items()}
    refused = await terminal.run("login", stdin="tsk_wrong\n", code=3, env=urls)
    assert "does not accept the API token" in refused
    said = await terminal.run("login", stdin=f"{info.api_token}\n", env=urls)
    assert said == "Signed in to “Demo” as admin.\n"
    assert info.api_token not in said + refused


async def connected(around: Around, terminal: Terminal, *arguments: str) -> Json:
    """Connect an account as the command says; return the outcome that it tells."""
    process = await terminal.start(*arguments, "--no-browser", "--json")
    assert process.stderr
    line = (await process.stderr.readline()).decode()
    assert line.startswith("Open in a browser: "), line
    await around.person.press_reconnect(line.split()[-1], "hubspot", PORTAL)
    out, _ = await process.communicate()
    assert process.returncode == 0
    outcome: Json = json.loads(out)
    assert outcome["status"] == "completed"
    return outcome


async def a_sync(around: Around, hubspot: str, airtable: str) -> str:
    """Create a sync that no slot runs for an hour; return its id."""
    table = tables_of((await around.sandbox.bases())["bases"])["deals"]
    path = f"/v1/catalog/{hubspot}/objects/deals/properties"
    properties = await around.api.items("sync-runner", path)
    body = definition("deals", table, properties, hubspot, airtable)
    body["schedule"] = {"every_seconds": 3600}
    created = await around.api.post("scheduler", "/v1/syncs", body)
    return str(created["id"])


async def listen(tail: Process, seen: list[tuple[str, str, str]]) -> None:
    """Note each line of `events tail` as kind, id and state."""
    assert tail.stdout
    async for line in tail.stdout:
        ((kind, said),) = json.loads(line).items()
        seen.append((kind, said["id"], said.get("badge") or said["status"]))


async def is_quiet(terminal: Terminal) -> bool:
    """Whether no incident is open."""
    return not await terminal.items("incidents")
