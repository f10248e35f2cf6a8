"""Tests whose tool the machine lacks are not run, and said so with a count and a remedy.

A test needs a tool when it uses one of the fixtures below, or when `@pytest.mark.needs("kafka")`
says that it starts one itself. It is deselected, so that no report counts it as passed; with
CI=true it runs all the same, and fails.
"""

import os
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from tablesync.local_stack import kafka, tools
from tablesync.test_kit import containers

# Fixture → the tool, and what gives the same without it.
FIXTURES = {"kafka_bootstrap": "kafka", "mongodb_uri": "mongod", "browser": "chromium"}
GIVEN_BY = {"kafka_bootstrap": "KAFKA_BOOTSTRAP_SERVERS", "mongodb_uri": "MONGODB_URI"}
NOT_RUN = pytest.StashKey[Counter[str]]()


def set_aside(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that cannot run here and remember why."""
    lacking = {item: reason for item in items if (reason := why_not(item))}
    config.stash[NOT_RUN] = Counter(lacking.values())
    if lacking:
        config.hook.pytest_deselected(items=list(lacking))
        items[:] = [item for item in items if item not in lacking]


def report(config: pytest.Config) -> list[str]:
    """Return one line per missing tool."""
    counted = config.stash.get(NOT_RUN, Counter())
    return [f"NOT RUN: {_count(number)} {reason}" for reason, number in counted.items()]


def hand_over(config: pytest.Config) -> None:
    """Tell the process that reports, where tests run in several, what this one set aside."""
    output: dict[str, object] | None = getattr(config, "workeroutput", None)
    if output is not None:
        counted: Counter[str] = config.stash.get(NOT_RUN, Counter())
        output["not_run"] = dict(counted)


def take_over(config: pytest.Config, output: Mapping[str, dict[str, int]]) -> None:
    """Remember what a worker set aside: each one collects all tests, so all say the same."""
    config.stash[NOT_RUN] = Counter(output.get("not_run", {}))


def why_not(item: pytest.Item) -> str | None:
    """Say what keeps a test from running, or None when it can run or has to."""
    if in_ci():
        return None
    for tool in sorted(_needs(item)):
        if missing := _missing(tool, item.config.rootpath):
            return f"{missing.tool}; install with: {missing.remedy}"
    return None


def in_ci() -> bool:
    """Whether this is continuous integration."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _needs(item: pytest.Item) -> set[str]:
    started_by_itself = {str(mark.args[0]) for mark in item.iter_markers("needs")}
    fixtures = FIXTURES.keys() & set(getattr(item, "fixturenames", ()))
    return started_by_itself | {FIXTURES[each] for each in fixtures if not _is_given(each)}


def _is_given(fixture: str) -> bool:
    by = GIVEN_BY.get(fixture)
    return by is not None and (by in os.environ or containers.wanted())


@cache
def _missing(tool: str, root: Path) -> tools.MissingToolError | None:
    if tool == "kafka":
        return kafka.missing(root)
    try:
        {"mongod": tools.find_mongod, "chromium": tools.find_chromium}[tool]()
    except tools.MissingToolError as error:
        return error
    return None


def _count(number: int) -> str:
    return "1 test needs" if number == 1 else f"{number} tests need"
