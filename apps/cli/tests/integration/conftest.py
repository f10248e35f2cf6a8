"""The command, and stand-ins for the services over real HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from cli_instruments import Command, Done, StandIn
from tablesync.cli.__main__ import app
from typer.testing import CliRunner


@pytest.fixture
def services() -> Iterator[StandIn]:
    """Yield one stand-in for all services: their paths differ."""
    stand_in = StandIn()
    token = {
        "access_token": "short-lived",
        "token_type": "Bearer",
        "expires_in": 300,
        "workspace_id": "ws_1",
        "operator_id": "op_1",
        "role": "operator",
    }
    stand_in.answers["POST", "/v1/tokens"] = (200, token)
    server = stand_in.serve()
    yield stand_in
    server.shutdown()
    server.server_close()


@pytest.fixture
def tablesync(
    tmp_path: Path, services: StandIn, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """Run the command in an empty folder, against the stand-ins unless told otherwise.

    It runs in a thread: a test may have an event loop of its own.
    """
    monkeypatch.chdir(tmp_path)
    thread = ThreadPoolExecutor(1)
    names = ("AUTH_SERVICE_URL", "SCHEDULER_URL", "SYNC_RUNNER_URL", "NOTIFIER_URL")
    usual = {
        "TABLESYNC_API_TOKEN": "api-token",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "COLUMNS": "240",
        **dict.fromkeys(names, services.url),
    }

    def run(*arguments: str, stdin: str | None = None, **changes: str | None) -> Done:
        invoke = partial(CliRunner().invoke, app, arguments, input=stdin, env={**usual, **changes})
        result = thread.submit(invoke).result()
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    yield run
    thread.shutdown()
