"""Where a running stack is and who may sign in to it."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Broker = Literal["kafka", "embedded"]


@dataclass(frozen=True)
class StackInfo:
    """The addresses of a running stack; `urls` is by program name, `users` is email to role."""

    urls: dict[str, str]
    kafka: str
    mongodb: str
    sandbox: str | None
    mailbox: str | None
    users: list[dict[str, Any]]
    api_token: str
    workspace_id: str
    broker: Broker
    database_prefix: str = ""

    def write(self, path: Path) -> None:
        """Write it as JSON that only its owner can read, since it has the API token."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file, indent=2)
