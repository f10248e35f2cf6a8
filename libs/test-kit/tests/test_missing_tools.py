"""A test whose tool is missing is counted as not run, never as passed."""

import os
from pathlib import Path

import pytest
from tablesync.test_kit import containers

pytest_plugins = ["pytester"]

USES_KAFKA = """
def test_one(kafka_bootstrap): pass
def test_two(kafka_bootstrap): pass
def test_three(): pass
"""


@pytest.fixture
def without_maven(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A checkout with two tests that need Kafka, on a machine without Maven."""
    pom: Path = pytester.path / "deploy/local/kafka/pom.xml"
    pom.parent.mkdir(parents=True)
    pom.write_text("<project/>")
    pytester.makeini("[pytest]\naddopts = -p tablesync.test_kit.pytest_plugin")
    pytester.makepyfile(USES_KAFKA)
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_STACK", "local")
    monkeypatch.setenv("PATH", os.devnull)
    return pytester


def test_what_lacks_its_tool_is_not_run_and_said_so(without_maven: pytest.Pytester) -> None:
    outcome = without_maven.runpytest_subprocess()
    outcome.assert_outcomes(passed=1, deselected=2)
    outcome.stdout.fnmatch_lines(
        "NOT RUN: 2 tests need Maven (mvn); install with: sudo apt-get install maven"
    )


def test_it_is_said_too_where_several_processes_test(without_maven: pytest.Pytester) -> None:
    outcome = without_maven.runpytest_subprocess("--numprocesses=2")
    outcome.assert_outcomes(passed=1)
    outcome.stdout.fnmatch_lines("NOT RUN: 2 tests need Maven (mvn); install with: *")


def test_in_continuous_integration_a_missing_kafka_fails(
    without_maven: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    outcome = without_maven.runpytest_subprocess()
    outcome.assert_outcomes(passed=1, errors=2)
    outcome.stdout.fnmatch_lines("*Maven (mvn) is missing; install it with: *")


def test_what_starts_kafka_itself_needs_it_also_where_containers_give_the_fixture(
    without_maven: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_maven.makepyfile("import pytest\n@pytest.mark.needs('kafka')\ndef test_one(): pass")
    monkeypatch.setenv("TEST_STACK", "containers")
    without_maven.runpytest_subprocess().assert_outcomes(deselected=1)


def test_a_word_that_names_no_stack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_STACK", "docker")
    with pytest.raises(ValueError, match="TEST_STACK is 'docker'; it may be local or containers"):
        containers.choice()
