"""What tests of the command speak with: one stand-in for all services, and the command itself."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from tablesync.contracts.public_api.base import Answer


def example(model: type[Answer], **changes: Any) -> dict[str, Any]:
    """Return a contract's first example, changed."""
    extra = model.model_config.get("json_schema_extra")
    assert isinstance(extra, dict)
    shown: Any = extra["examples"]
    return {**shown[0], **changes}


# An answer that is lost on its way.
LOST = (0, None)
Said = tuple[int, Any]


@dataclass
class StandIn:
    """A server with set answers: (method, path) → (status, body), or several one after the other.

    The last of several is said from then on. `sent` are paths with bodies, `keys` with
    Idempotency-Keys.
    """

    answers: dict[tuple[str, str], Said | list[Said]] = field(default_factory=dict)
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    keys: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    def answer_to(self, request: tuple[str, str]) -> Said:
        """Return what is answered now."""
        found = self.answers.get(request, (404, {"detail": "There is no such thing."}))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    def serve(self) -> ThreadingHTTPServer:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stand_in.sent.append((self.path, sent.decode()))
                stand_in.keys.append((self.path, self.headers.get("Idempotency-Key")))
                request = (self.command, self.path)
                stand_in.seen.append((*request, self.headers.get("Authorization")))
                status, body = stand_in.answer_to(request)
                if not status:
                    self.close_connection = True
                    return
                raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - http.server's names

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

    def __call__(
        self, *arguments: str, stdin: str | None = None, **changes: str | None
    ) -> Done: ...
