"""The workers: as many runs at once as the process may have, claimed one by one."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.roles import pause
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.runs import Run

log = structlog.get_logger()

RETRY_SECONDS = 0.5
ExecuteRun = Callable[[Run, Lease, asyncio.Event], Awaitable[None]]


class Workers:
    """The worker role of one process."""

    def __init__(
        self, queue: RunQueue, execute: ExecuteRun, count: int, woken: asyncio.Event
    ) -> None:
        self._queue = queue
        self._execute = execute
        self._free = asyncio.Semaphore(count)
        self._active: set[asyncio.Task[None]] = set()
        self._woken = woken

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and execute until `stop`, then wait for the runs in hand to be handed back."""
        while not stop.is_set():
            await self._free.acquire()
            seconds = 0.0 if stop.is_set() else await self._take_one(stop)
            if seconds is not None:
                self._free.release()
                await pause(stop, seconds, self._woken)
        await asyncio.gather(*self._active)

    async def _take_one(self, stop: asyncio.Event) -> float | None:
        """Begin a run and return None; without one, return the seconds until there may be."""
        self._woken.clear()
        try:
            claimed = await self._queue.claim()
            if claimed is None:
                return await self._queue.seconds_until_takeover()
        except Exception as error:  # MongoDB is away, or a run cannot be read: others can
            log.error("no run claimed", error=repr(error))
            return RETRY_SECONDS
        task = asyncio.create_task(self._work(*claimed, stop))
        self._active.add(task)
        task.add_done_callback(self._active.discard)
        return None

    async def _work(self, run: Run, lease: Lease, stop: asyncio.Event) -> None:
        try:
            await self._execute(run, lease, stop)
        finally:
            self._free.release()
            self._woken.set()
