"""Single flight: work under one key runs once, in a task of its own, however many wait for it."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Tasks by key; a caller that is cancelled leaves the work running."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[T]] = {}

    async def join(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the work under this key, starting it if nobody has."""
        return await asyncio.shield(self._start(key, work))

    def launch(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Start the work under this key, if nobody has, and do not wait: its failure is logged."""
        self._start(key, work).add_done_callback(_tell)

    def _start(
        self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]
    ) -> "asyncio.Task[T]":
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(work())
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._tasks.pop(key, None))
            # Whoever waited may be gone: the outcome is then nobody's, and no loud warning.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def drain(self) -> None:
        """Wait for all that is under way, and for what that starts."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())


def _tell(done: "asyncio.Task[Any]") -> None:
    """Log how a flight failed that nobody waits for; only its kind, as its text may quote."""
    error = None if done.cancelled() else done.exception()
    if error is not None:
        log.error("work in the background failed", error=type(error).__name__)
