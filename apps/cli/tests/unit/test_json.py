"""Whatever there is to type can be read by a program: `--json` everywhere."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from tablesync.cli.__main__ import app

pytestmark = pytest.mark.unit


def commands(of: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all commands there are, by what is typed."""
    inside = getattr(of, "commands", None)
    if inside is None:
        yield name, of
        return
    for each, command in inside.items():
        yield from commands(command, f"{name} {each}".strip())


ALL = dict(commands(typer.main.get_command(app)))


def test_there_are_commands_of_commands() -> None:
    assert {"status", "dlq show", "events tail"} <= ALL.keys()


@pytest.mark.parametrize("name", ALL)
def test_each_command_takes_json(name: str) -> None:
    assert any("--json" in each.opts for each in ALL[name].params)
