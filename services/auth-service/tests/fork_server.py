"""Forks auth-service from a process that has imported it before: a start then costs little.

Reads orders as lines of JSON and answers each with a line: {"start": environment, "script": path
or null, "log": path} with the pid, {"wait": pid, "seconds": n} with the exit status or "null".
"""

import json
import os
import runpy
import sys
import time
from typing import Any

# Imported for its cost alone.
import tablesync.auth_service.bootstrap

LOADED = tablesync.auth_service.bootstrap.__name__


def start(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        become(order)
        status: Any = 0
    except SystemExit as ended:
        status = ended.code or 0
    os._exit(status if isinstance(status, int) else 1)


def become(order: dict[str, Any]) -> None:
    """Be auth-service, or the script, as if started with this environment."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(order["start"])
    sys.argv = ["auth-service"]
    if order["script"]:
        runpy.run_path(order["script"], run_name="__main__")
    else:
        runpy.run_module("tablesync.auth_service", run_name="__main__")


def wait(order: dict[str, Any]) -> int | None:
    deadline = time.monotonic() + order["seconds"]
    while time.monotonic() < deadline:
        pid, status = os.waitpid(order["wait"], os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    return None


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        answer = start(order) if "start" in order else wait(order)
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer
