"""What can stop a run from outside: a lost lease, a lost grant, a cancel, a shutdown, a stall."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

from tablesync.contracts import RunFailureCause
from tablesync.sync_runner.errors import LeaseLostError, RunFailedError

T = TypeVar("T")

STALLED_SECONDS = 15 * 60.0


class Signals:
    """The first reason to stop wins, except that a lost lease overrides everything."""

    def __init__(self) -> None:
        self._reason: Exception | None = None
        self._raised = asyncio.Event()

    @property
    def reason(self) -> Exception | None:
        """Why the run has to stop, if it has to."""
        return self._reason

    def stop(self, reason: Exception) -> None:
        """Ask the run to stop."""
        if self._reason is None or isinstance(reason, LeaseLostError):
            self._reason = reason
        self._raised.set()

    def check(self) -> None:
        """Raise the reason, if there is one."""
        if self._reason is not None:
            raise self._reason

    async def during(self, work: Awaitable[T]) -> T:
        """Await `work`; once the run has to stop, cancel it and raise the reason."""
        task = asyncio.ensure_future(work)
        raised = asyncio.create_task(self._raised.wait())
        try:
            await asyncio.wait({task, raised}, return_when=asyncio.FIRST_COMPLETED)
            self.check()
            return await task
        finally:
            raised.cancel()
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task


class Progress:
    """The time since the run last came on; waits for a budget do not count."""

    def __init__(self, limit_seconds: float = STALLED_SECONDS) -> None:
        self._limit = limit_seconds
        self._deadline = time.monotonic() + limit_seconds

    def made(self) -> None:
        """Start counting anew."""
        self._deadline = time.monotonic() + self._limit

    def excuse(self, seconds: float) -> None:
        """Do not count a wait."""
        self._deadline += seconds

    def check(self) -> None:
        """Raise RunFailedError (stalled) if nothing came on for too long."""
        if time.monotonic() > self._deadline:
            minutes = round(self._limit / 60)
            raise RunFailedError(
                RunFailureCause.STALLED, f"The run made no progress for {minutes} minutes."
            )
