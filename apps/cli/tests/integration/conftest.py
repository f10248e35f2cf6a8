"""The command, and stand-ins for the services over real HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tablesync.cli.__main__ import app
from typer.testing import CliRunner


@dataclass
class StandIn:
    """A server with set answers: (method, path) → (status, body)."""

    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""

    def serve(self) -> ThreadingHTTPServer:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = (self.command, self.path)
                stand_in.seen.append((*request, self.headers.get("Authorization")))
                missing = (404, {"detail": "There is no such thing."})
                status, body = stand_in.answers.get(request, missing)
                raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = _answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


@pytest.fixture
def services() -> Iterator[StandIn]:
    """Yield one stand-in for all services: their paths differ."""
    stand_in = StandIn()
    token = {"access_token": "short-lived", "token_type": "Bearer", "expires_in": 300}
    stand_in.answers["POST", "/v1/tokens"] = (200, token)
    server = stand_in.serve()
    yield stand_in
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Done:
    """How the command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def tablesync(
    tmp_path: Path, services: StandIn, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Run the command in an empty folder, against the stand-ins unless told otherwise."""
    monkeypatch.chdir(tmp_path)
    names = ("AUTH_SERVICE_URL", "SCHEDULER_URL", "SYNC_RUNNER_URL", "NOTIFIER_URL")
    usual = {
        "TABLESYNC_API_TOKEN": "api-token",
        "COLUMNS": "240",
        **dict.fromkeys(names, services.url),
    }

    def run(*arguments: str, **changes: str | None) -> Done:
        result = CliRunner().invoke(app, arguments, env={**usual, **changes})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run
