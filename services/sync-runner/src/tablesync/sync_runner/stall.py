"""Stalling: a run that makes no progress for too long ends, however patient its parts are."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tablesync.contracts import RunFailureCause
from tablesync.sync_runner.errors import RunFailedError

STALLED_SECONDS = 15 * 60.0


class StallTimer:
    """The time since the run last came on, in whosever hands; waits for a budget do not count.

    Nor does sleep: its clock, alone of all, stands still while the machine does.
    """

    def __init__(self, limit_seconds: float = STALLED_SECONDS, waited_seconds: float = 0.0) -> None:
        self._limit = limit_seconds
        self._deadline = time.monotonic() + limit_seconds - waited_seconds

    @property
    def waited_seconds(self) -> float:
        """How long the run has not come on."""
        return self._limit - (self._deadline - time.monotonic())

    def restart(self) -> None:
        """Start counting anew."""
        self._deadline = time.monotonic() + self._limit

    def excuse(self, seconds: float) -> None:
        """Do not count a wait."""
        self._deadline += seconds

    @contextmanager
    def excused(self) -> Iterator[None]:
        """Do not count what the block waits."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.excuse(time.monotonic() - began)

    def check(self) -> None:
        """Raise RunFailedError (stalled) if nothing came on for too long."""
        if time.monotonic() > self._deadline:
            minutes = round(self._limit / 60)
            raise RunFailedError(
                RunFailureCause.STALLED, f"The run made no progress for {minutes} minutes."
            )
