"""Forgetting deleted syncs: a resumable job that stops their runs and deletes what is kept of them.

What was decided is one small document; the rest follows in chunks. A job whose process is killed is
taken up by another, which finds what is left.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from tablesync.service_kit.mongo import Session
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.sync_runner.pipeline.checkpoints import Checkpoints
from tablesync.sync_runner.pipeline.rejections import Rejections
from tablesync.sync_runner.store import DeletedSyncs, Runs

log = structlog.get_logger()

# A sync whose runs have still to end, or whose worker died, has its turn again so much later.
AGAIN_SECONDS = 10.0
TURNS = 10
CHUNKS = 10
RUNS_AT_ONCE = 100

Forget = Callable[[str, Session], Awaitable[bool]]


class Forgetting:
    """Forgets record states, checkpoint and rejections of deleted syncs; their runs expire."""

    def __init__(self, units: UnitsOfWork, runs: Runs, deleted: DeletedSyncs) -> None:
        self._units = units
        self._runs = runs
        self._deleted = deleted
        self._parts: tuple[Forget, ...] = (
            Checkpoints(units.database).forget,
            Rejections(units.database).forget,
        )

    async def tick(self) -> float:
        """Give a turn to syncs of which something is left; return the seconds to wait.

        What is left of many chunks is left to the next turn, so that a tick ends soon.
        """
        for _ in range(TURNS):
            sync_id = await self._deleted.take(AGAIN_SECONDS)
            if sync_id is None:
                return await self._deleted.seconds_until_due()
            await self._try(sync_id)
        return 0.0

    async def _try(self, sync_id: str) -> None:
        """Forget what fits into one turn; one that fails stops no other."""
        try:
            if await self._stop_runs(sync_id):
                await self._forget(sync_id)
        except Exception as error:
            log.error("sync not forgotten yet", sync_id=sync_id, error=repr(error))

    async def _stop_runs(self, sync_id: str) -> bool:
        """End the runs that wait and have the others end; whether none was left.

        Only then is nothing written any more: a run that comes later is refused, or at its begin.
        """
        open_ids = await self._runs.open_of(sync_id, RUNS_AT_ONCE)
        for run_id in open_ids:
            await self._units.run(partial(self._runs.request_cancel, run_id=run_id))
        return not open_ids

    async def _forget(self, sync_id: str) -> None:
        for _ in range(CHUNKS):
            if await self._units.run(partial(self._forget_chunk, sync_id)):
                await self._deleted.finish(sync_id)
                log.info("deleted sync forgotten", sync_id=sync_id)
                return
        await self._deleted.put_back(sync_id)

    async def _forget_chunk(self, sync_id: str, unit: UnitOfWork) -> bool:
        """Forget a chunk of the first part that has one left: whether nothing is."""
        for forget in self._parts:
            if not await forget(sync_id, unit.session):
                return False
        return True
