"""The source of an earlier commit, whose services run here in place of today's.

Every part of TableSync is `tablesync.<part>`, in a namespace package: folders named in PYTHONPATH
come before those of the installed parts, so the commit's own parts are imported, all of them.
"""

import fcntl
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
PARTS = (
    *("contracts", "service_kit", "sandbox"),
    *("auth_service", "scheduler", "sync_runner", "notifier"),
)


class NoHistoryError(RuntimeError):
    """Git cannot give the commit's source."""


@dataclass(frozen=True)
class Source:
    """A commit's files under `folder`."""

    commit: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return what makes a Python process import this commit's parts."""
        folders = sorted(self.folder.glob("*/src")) + sorted(self.folder.glob("*/*/src"))
        return {"PYTHONPATH": os.pathsep.join(map(str, folders))}

    def imported_in(self, environment: Mapping[str, str]) -> set[str]:
        """Return the parts that a process with this environment imports from this commit."""
        program = (
            "import importlib.util as u, json, sys\n"
            "print(json.dumps({p: u.find_spec(f'tablesync.{p}').origin for p in sys.argv[1:]}))"
        )
        said = subprocess.run(
            [sys.executable, "-c", program, *PARTS],
            env={**os.environ, **environment}, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        origins: dict[str, str] = json.loads(said)
        return {part for part, path in origins.items() if Path(path).is_relative_to(self.folder)}


def source_of(commit: str, root: Path = ROOT) -> Source:
    """Return the source of a commit, taken from git's history once and kept under `.local`.

    Raises:
        NoHistoryError: there is no git here, no repository, or not this commit; with the remedy.

    """
    folder = root / ".local" / "commits" / _whole_name(root, commit)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _extract(root, folder)
    return Source(folder.name, folder)


def _whole_name(root: Path, commit: str) -> str:
    name = _git(root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").decode().strip()
    if name:
        return name
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true":
        remedy = "this clone is shallow; fetch the rest with: git fetch --unshallow"
    else:
        remedy = "clone the repository with its whole history (a downloaded archive has none)"
    raise NoHistoryError(f"Commit {commit} cannot be had from git here: {remedy}")


def _extract(root: Path, folder: Path) -> None:
    partial = folder.with_suffix(".partial")
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", folder.name))) as archive:
        archive.extractall(partial, filter="data")
    partial.rename(folder)


def _git(root: Path, *arguments: str) -> bytes:
    """Return what git says; nothing where there is no repository or no git."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except FileNotFoundError:
        return b""
    return done.stdout
