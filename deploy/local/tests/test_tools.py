"""What the machine lacks is named, with the line that installs it."""

from pathlib import Path

import pytest
from tablesync.local_stack import MissingToolError, kafka_missing, tools


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_missing_maven_is_named_with_its_install_line(empty_path: Path) -> None:
    with pytest.raises(MissingToolError, match=r"Maven \(mvn\) is missing") as failure:
        tools.find_maven()
    assert failure.value.remedy == "sudo apt-get install maven"


def test_a_missing_chromium_is_named_with_its_install_line(empty_path: Path) -> None:
    with pytest.raises(MissingToolError, match="Chromium is missing") as failure:
        tools.find_chromium()
    assert failure.value.remedy == "sudo apt-get install chromium"


def test_kafka_cannot_start_without_maven_unless_its_jars_are_there(
    empty_path: Path, tmp_path: Path
) -> None:
    pom = tmp_path / "deploy/local/kafka/pom.xml"
    pom.parent.mkdir(parents=True)
    pom.write_text("<project/>")
    lacking = kafka_missing(tmp_path)
    assert lacking is not None
    assert lacking.remedy == "sudo apt-get install maven"


def test_an_old_java_gives_way_to_the_one_of_the_wheel(empty_path: Path) -> None:
    old = empty_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    assert tools.java_major(str(old)) == 11
    assert tools.java_major(tools.find_java()) >= 17


def test_a_java_that_does_not_run_has_no_version(empty_path: Path) -> None:
    assert tools.java_major(str(empty_path / "no-such-java")) == 0


@pytest.mark.parametrize(
    ("library", "package"), [("libcurl.so.4", "libcurl4"), ("libcrypto.so.3", "libssl3")]
)
def test_a_missing_library_of_mongod_is_named_with_its_package(library: str, package: str) -> None:
    said = f"mongod: error while loading shared libraries: {library}: cannot open shared object"
    lacking = tools.missing_library(said)
    assert library in str(lacking)
    assert lacking.remedy == f"sudo apt-get install {package}"


def test_a_mongod_that_does_not_run_for_another_reason_is_quoted() -> None:
    assert "Illegal instruction" in str(tools.missing_library("Illegal instruction"))
