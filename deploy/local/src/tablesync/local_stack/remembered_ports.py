"""The ports of a platform that goes on, so that addresses in its mails and bookmarks stay right."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from tablesync.local_stack.ports import is_free

_PORTS = TypeAdapter(dict[str, int])


def recall(folder: Path, *, but: Mapping[str, int]) -> dict[str, int]:
    """Return the ports that a stack had in this folder, but those that are now somebody else's.

    `but` are the ports that were set: their programs have those, and no other program has.
    """
    try:
        ports = _PORTS.validate_json(_file(folder).read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}
    return {
        program: port
        for program, port in ports.items()
        if program not in but and port not in but.values() and is_free(port)
    }


def remember(folder: Path, ports: Mapping[str, int]) -> None:
    """Note the ports that a stack has."""
    _file(folder).write_bytes(_PORTS.dump_json(dict(ports)))


def _file(folder: Path) -> Path:
    return folder / "ports.json"
