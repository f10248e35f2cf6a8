"""Tests whose tool the machine lacks are not run, and said so with a count and a remedy.

A test needs a tool when it uses one of the fixtures below, or by `@pytest.mark.needs("docker")`.
It is deselected, so that no report counts it as passed; with CI=true it runs, and fails where
continuous integration has to have the tool.
"""

import os
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tablesync.local_stack import containers, kafka, tools

FIXTURES = {"kafka_bootstrap": "kafka", "mongodb_uri": "mongodb"}
REQUIRED_IN_CI = frozenset({"kafka", "mongodb"})
NOT_RUN = pytest.StashKey[Counter[str]]()


def set_aside(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that cannot run here and remember why."""
    lacking = {item: reason for item in items if (reason := why_not(item))}
    config.stash[NOT_RUN] = Counter(lacking.values())
    if lacking:
        config.hook.pytest_deselected(items=list(lacking))
        items[:] = [item for item in items if item not in lacking]


def report(config: pytest.Config) -> list[str]:
    """Give one line per missing tool."""
    counted = config.stash.get(NOT_RUN, Counter())
    return [f"NOT RUN: {_count(number)} {reason}" for reason, number in counted.items()]


def why_not(item: pytest.Item) -> str | None:
    """Say what keeps a test from running, or None when it can run or has to."""
    for tool in sorted(_needs(item)):
        missing = _missing(tool, item.config.rootpath)
        if missing and not (tool in REQUIRED_IN_CI and in_ci()):
            return f"{missing.tool}; install with: {missing.remedy}"
    return None


def in_ci() -> bool:
    """Say whether this is continuous integration."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _needs(item: pytest.Item) -> set[str]:
    marked = {str(mark.args[0]) for mark in item.iter_markers("needs")}
    fixtures = getattr(item, "fixturenames", ())
    return marked | {FIXTURES[each] for each in fixtures if each in FIXTURES}


@cache
def _missing(tool: str, root: Path) -> tools.MissingToolError | None:
    return CHECKS[tool](root)


def _kafka(root: Path) -> tools.MissingToolError | None:
    if "KAFKA_BOOTSTRAP_SERVERS" in os.environ or containers.wanted():
        return None
    return kafka.missing(root)


def _mongodb(_: Path) -> tools.MissingToolError | None:
    if "MONGODB_URI" in os.environ or containers.wanted():
        return None
    try:
        tools.find_mongod()
    except tools.MissingToolError as error:
        return error
    return None


def _docker(_: Path) -> tools.MissingToolError | None:
    if containers.images_are_there():
        return None
    remedy = " && ".join(f"docker pull {image}" for image in containers.images())
    return tools.MissingToolError("Docker with the images of Kafka and MongoDB", remedy)


CHECKS: dict[str, Callable[[Path], tools.MissingToolError | None]] = {
    "kafka": _kafka,
    "mongodb": _mongodb,
    "docker": _docker,
}


def _count(number: int) -> str:
    return "1 test needs" if number == 1 else f"{number} tests need"
