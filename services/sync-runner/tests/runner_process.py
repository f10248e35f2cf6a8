"""sync-runner as a process of its own, which a test stops, kills and waits for."""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from tablesync.test_kit.services import FORKS, become


class RunnerProcess:
    """sync-runner, or a module that is one, started with an environment and arguments."""

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self._process = FORKS.Process(
            target=become, args=(module, dict(environment), log, list(arguments))
        )
        self._process.start()

    @property
    def returncode(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Kill it: it has no time for anything."""
        self.send_signal(signal.SIGKILL)

    def wait(self) -> None:
        """Wait for its end."""
        self._process.join()

    def end(self) -> None:
        """Kill it if it still runs, also one that sleeps."""
        self._process.kill()
        self._process.join()
