"""Removes the folders of test runs that were killed before they could."""

import fcntl
import shutil
from pathlib import Path


def remove_stale_test_stacks(root: Path) -> None:
    """Remove every test stack's folder whose supervisord runs no more."""
    for lock in (root / ".local").glob("test-*/lock"):
        if not in_use(lock):
            shutil.rmtree(lock.parent, ignore_errors=True)


def in_use(lock: Path) -> bool:
    """Whether a running supervisord holds this lock."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:  # its own run has just removed it
        return False
    return False
