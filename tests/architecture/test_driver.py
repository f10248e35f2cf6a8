"""MongoDB's driver is known by one file: another with the same methods changes it alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "libs/service-kit/src/tablesync/service_kit/mongo/client.py"
# What an access token costs is measured against the driver itself, with nothing of ours between.
BARE_ROUTE = ROOT / "bench/bare_route.py"
SOURCES = [
    file
    for folder in ("libs", "services", "apps", "sandbox", "deploy", "bench", "tests", "tools")
    for file in (ROOT / folder).rglob("*.py")
]


def names_of(file: Path) -> Iterator[str]:
    """Yield every name and every module that a file's code mentions."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (each.name for each in node.names)
            yield getattr(node, "module", None) or ""
        elif isinstance(node, ast.Name | ast.Attribute):
            yield node.id if isinstance(node, ast.Name) else node.attr


def names_the_driver(name: str) -> bool:
    return name.partition(".")[0] == "motor" or "Motor" in name


@pytest.mark.unit
def test_motor_is_imported_and_named_in_one_file_beside_the_bare_route() -> None:
    knowing = {file for file in SOURCES if any(map(names_the_driver, names_of(file)))}
    assert knowing == {CLIENT, BARE_ROUTE}
