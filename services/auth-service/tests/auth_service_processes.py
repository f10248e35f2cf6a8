"""auth-service as a process of its own, forked from one that has imported it: quick to start."""

import multiprocessing
import os
import runpy
import sys
from pathlib import Path

from tablesync.test_kit import eventually
from tablesync.test_kit.services import is_ready

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tablesync.auth_service.bootstrap"])


class Process:
    """auth-service, or a script that is one, started with an environment."""

    def __init__(self, environment: dict[str, str], log: Path, script: str | None) -> None:
        self.log = log
        self.url = environment["AUTH_PUBLIC_URL"]
        self._process = _CONTEXT.Process(target=become, args=(environment, log, script))
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    async def ready(self) -> None:
        """Wait until it is ready."""
        await eventually(lambda: is_ready(self.url), timeout=150)

    def wait(self, seconds: float = 30) -> int:
        """Wait for its end; return its exit status, negative for a signal."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, f"still runs after {seconds} s"
        return self._process.exitcode

    def end(self) -> None:
        """Kill it, if it still runs."""
        self._process.kill()
        self.wait()


def become(environment: dict[str, str], log: Path, script: str | None) -> None:
    """Be auth-service, or the script, as if started with this environment."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.update(environment)
    sys.argv = ["auth-service"]
    if script:
        runpy.run_path(script, run_name="__main__")
    else:
        runpy.run_module("tablesync.auth_service", run_name="__main__")
