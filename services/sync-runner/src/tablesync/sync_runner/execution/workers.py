"""The workers: as many runs at once as the process may have, claimed one by one."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from tablesync.service_kit.mongo.leases import Lease
from tablesync.service_kit.roles import pause
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.runs import Run

log = structlog.get_logger()

POLL_SECONDS = 0.5
ExecuteRun = Callable[[Run, Lease, asyncio.Event], Awaitable[None]]


class Workers:
    """The worker role of one process."""

    def __init__(self, queue: RunQueue, execute: ExecuteRun, count: int) -> None:
        self._queue = queue
        self._execute = execute
        self._free = asyncio.Semaphore(count)
        self._active: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look into the queue now: a run was put there, or one has ended."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and execute until `stop`, then wait for the runs in hand to be handed back."""
        while not stop.is_set():
            await self._free.acquire()
            if stop.is_set() or not await self._take_one(stop):
                self._free.release()
                await pause(stop, POLL_SECONDS, self._woken)
        await asyncio.gather(*self._active)

    async def _take_one(self, stop: asyncio.Event) -> bool:
        self._woken.clear()
        try:
            claimed = await self._queue.claim()
        except Exception as error:  # MongoDB is away, or a run cannot be read: others can
            log.error("no run claimed", error=repr(error))
            return False
        if claimed is None:
            return False
        task = asyncio.create_task(self._work(*claimed, stop))
        self._active.add(task)
        task.add_done_callback(self._active.discard)
        return True

    async def _work(self, run: Run, lease: Lease, stop: asyncio.Event) -> None:
        try:
            await self._execute(run, lease, stop)
        finally:
            self._free.release()
            self.wake()
