"""What tests of the command speak with: one stand-in for all services, and the command itself."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol


@dataclass
class StandIn:
    """A server with set answers: (method, path) → (status, body); `sent` are paths with bodies."""

    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def serve(self) -> ThreadingHTTPServer:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stand_in.sent.append((self.path, sent.decode()))
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


@dataclass(frozen=True)
class Done:
    """How the command ended."""

    returncode: int
    stdout: str
    stderr: str


class Command(Protocol):
    """Runs `tablesync` with these arguments; `changes` are of its environment."""

    def __call__(self, *arguments: str, **changes: str | None) -> Done: ...
