"""Rechecks, in the worker role: looks for what held syncs lack, and releases those that have it."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from tablesync.contracts import Hold
from tablesync.scheduler import checks
from tablesync.scheduler.checks import Contents
from tablesync.scheduler.clients.sync_runner import SyncRunnerClient
from tablesync.scheduler.domain import holds
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.errors import Fault
from tablesync.scheduler.store import Store
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.http.problems import Problem
from tablesync.service_kit.mongo.batch_size import BatchSize
from tablesync.service_kit.mongo.reading import each_alone
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

log = structlog.get_logger()

BATCH = 100
AT_ONCE = 20
# How long one look may take, so that what hangs keeps its place from others no longer.
LOOK_SECONDS = 20.0


class Rechecks:
    """Releases what can run again; looks at the rest again at `holds.next_look`."""

    def __init__(
        self,
        units: UnitsOfWork,
        store: Store,
        runner: SyncRunnerClient,
        catch_up_at: Callable[[datetime], datetime],
    ) -> None:
        self._units = units
        self._store = store
        self._runner = runner
        self._catch_up_at = catch_up_at
        self._batch = BatchSize(BATCH)

    async def tick(self) -> float:
        """Look at each sync that is due for it; return the seconds until the next one is."""
        syncs = self._store.syncs
        with self._batch.fitted() as limit:
            found = await syncs.to_recheck(limit)
        failed = await each_alone(syncs.collection, found.items, self._recheck, AT_ONCE)
        await syncs.put_recheck_back([*found.unread_ids, *failed])
        return await syncs.seconds_until_recheck()

    async def _recheck(self, sync: Sync) -> None:
        looked_at = await self._store.now()  # before the look: a consent meanwhile knows better
        looks = any(map(holds.of_contents(sync), sync.holds))
        is_found = looks and await self._faults(sync) == []

        async def work(unit: UnitOfWork) -> None:
            current = await self._store.syncs.get(sync.id, unit.session)
            if current is None or current.version != sync.version:
                return
            if is_found:
                current.found_at = looked_at
            changes = Changes()
            deciding = await self._store.connections.deciding_among(
                current.connection_ids, unit.session
            )
            holds.follow_connections(current, deciding, unit.now, changes)
            self._release(current, is_found, unit.now, changes)
            current.recheck_at = holds.next_look(current, unit.now)
            await self._store.save(unit, [current], changes)

        await self._units.run(work)

    def _release(self, sync: Sync, is_found: bool, now: datetime, changes: Changes) -> None:
        found, refilled = holds.of_contents(sync), holds.of_refilled_quota(now)

        def is_over(each: Hold) -> bool:
            return (is_found and found(each)) or refilled(each)

        holds.release(sync, is_over, now, self._catch_up_at(now), changes)

    async def _faults(self, sync: Sync) -> list[Fault] | None:
        """Return what is missing; None if that cannot be found out now."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return (await checks.check_contents(self._runner, Contents.of(sync))).faults
        except Problem as problem:
            log.info("not rechecked", sync_id=sync.id, problem=problem.type)
        except Exception as error:
            if not isinstance(error, TimeoutError) and not is_unavailable(error):
                raise
            log.info("not rechecked", sync_id=sync.id, error=repr(error))
        return None
