"""What can stop a run from outside: a lost lease, a lost grant, a cancel, a shutdown, a stall."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

from tablesync.service_kit.roles import end
from tablesync.sync_runner.errors import LeaseLostError

T = TypeVar("T")


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
                with suppress(Exception):
                    await end(task)
