"""The ports of a platform that goes on, so that addresses in its mails and bookmarks stay right."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tablesync.local_stack.ports import is_free


def recall(folder: Path) -> dict[str, int]:
    """Return the ports that a stack had in this folder, but those that another program has now."""
    with suppress(FileNotFoundError, json.JSONDecodeError):
        ports: dict[str, int] = json.loads(_file(folder).read_text("utf-8"))
        return {program: port for program, port in ports.items() if is_free(port)}
    return {}


def remember(folder: Path, ports: Mapping[str, int]) -> None:
    """Note the ports that a stack has."""
    _file(folder).write_text(json.dumps(dict(ports)), "utf-8")


def _file(folder: Path) -> Path:
    return folder / "ports.json"
