"""An earlier commit's source comes from git's history, or it is said why it cannot."""

import subprocess
from pathlib import Path

import pytest
from tablesync.test_kit.commit_source import NoHistoryError, source_of

pytestmark = pytest.mark.unit
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@acme.test")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *IDENTITY, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of two commits, in which a file changes."""
    folder = tmp_path / "whole"
    module = folder / "libs" / "contracts" / "src" / "tablesync" / "contracts" / "__init__.py"
    module.parent.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for text in ("'''The first.'''", "'''The second.'''"):
        module.write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message=Say it")
    return folder


def test_the_commits_own_files_are_taken_and_imported_first(repository: Path) -> None:
    source = source_of("HEAD~1", repository)
    assert source.commit == git(repository, "rev-parse", "HEAD~1")
    (module,) = source.folder.rglob("__init__.py")
    assert "first" in module.read_text()
    assert source.imported_in(source.environment) == {"contracts"}
    assert source.imported_in({}) == set()


def test_a_shallow_clone_says_how_to_deepen_it(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD~1")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    with pytest.raises(NoHistoryError, match=f"{first}.*shallow.*git fetch --unshallow"):
        source_of(first, tmp_path / "shallow")


def test_a_folder_without_history_says_what_it_needs(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(NoHistoryError, match="clone the repository with its whole history"):
        source_of("574a5d1", tmp_path)
