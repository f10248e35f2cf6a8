"""Who runs the stack of a folder: written into the lock that its supervisord holds."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import IO

import psutil
from tablesync.local_stack.waiting import wait_until

ENDING_SECONDS = 15


class AlreadyRunningError(RuntimeError):
    """Somebody runs a stack of this name; the message says who, and how to stop it."""


def refuse_a_second(folder: Path) -> None:
    """Refuse to start a stack that runs.

    Raises:
        AlreadyRunningError: it runs; who started it is alive.

    """
    file = _lock_of(folder)
    if not file.exists():
        return
    with file.open() as lock:
        if not _try_lock(lock) and (owner := _owner(file)):
            raise AlreadyRunningError(_told(folder, owner))


def occupy(folder: Path) -> IO[str]:
    """Lock the folder for as long as somebody has the returned file open, and sign it.

    A stack whose owner is gone is waited for: it is about to end.

    Raises:
        AlreadyRunningError: it runs; who started it is alive.
        TimeoutError: it did not end.

    """
    lock = _lock_of(folder).open("a")
    what = f"the end of the stack that uses {lock.name}"
    wait_until(lambda: _locked(lock, folder), timeout=ENDING_SECONDS, what=what)
    lock.truncate(0)
    process = psutil.Process()
    lock.write(json.dumps({"pid": process.pid, "since": process.create_time()}))
    lock.flush()
    return lock


def _locked(lock: IO[str], folder: Path) -> bool:
    if _try_lock(lock):
        return True
    if owner := _owner(Path(lock.name)):
        raise AlreadyRunningError(_told(folder, owner))
    return False


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(file: Path) -> psutil.Process | None:
    """Return the process that signed the lock, if it is alive."""
    try:
        signed = json.loads(file.read_text("utf-8"))
        process = psutil.Process(signed["pid"])
        alive = process.status() != psutil.STATUS_ZOMBIE
        same = alive and process.create_time() == signed["since"]
    except (ValueError, TypeError, KeyError, psutil.Error):
        return None  # not signed yet, or gone
    return process if same and process.pid != os.getpid() else None


def _told(folder: Path, owner: psutil.Process) -> str:
    since = time.strftime("%H:%M:%S", time.localtime(owner.create_time()))
    addresses = folder.with_suffix(".json")
    where = f"; its addresses are in {addresses}" if addresses.exists() else ""
    return (
        f"`make {folder.name}` runs here already, in {folder}, as process {owner.pid} "
        f"since {since}{where}. Stop it with Ctrl-C where it runs, or with: kill {owner.pid}"
    )


def _lock_of(folder: Path) -> Path:
    return folder / "lock"
