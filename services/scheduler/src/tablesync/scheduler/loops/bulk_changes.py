"""Bulk changes, in the worker role: what somebody does to many syncs, a chunk at a time.

A chunk and the place it has reached are one transaction, so that a change goes on where it was
killed. Each sync is changed as it would be by itself.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

import structlog
from tablesync.contracts.public_api.bulk_changes import BulkAction
from tablesync.scheduler import acts
from tablesync.scheduler.acts import Actor
from tablesync.scheduler.domain import holds
from tablesync.scheduler.domain.bulk import BulkChange
from tablesync.scheduler.domain.changes import Changes
from tablesync.scheduler.domain.full_checks import FullChecks
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store import Store
from tablesync.scheduler.store.bulk_changes import CHUNK
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.http.problems import (
    UNREADABLE_DOCUMENT,
    Problem,
    not_found,
    problem_uri,
)
from tablesync.service_kit.mongo.batch_size import BatchSize
from tablesync.service_kit.mongo.changes import POLL_SECONDS
from tablesync.service_kit.mongo.reading import alone
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

log = structlog.get_logger()

ROUNDS = 10
CHANGES = 4
_UNREADABLE = Problem(
    500, UNREADABLE_DOCUMENT, "What is stored of this sync cannot be read by this version."
)
_OUR_FAULT = Problem(500, "internal-error", "Our fault; it has been logged.")


class BulkChanges:
    """Carries out the changes that are under way, a chunk of each in turn."""

    def __init__(self, units: UnitsOfWork, store: Store, checks: FullChecks) -> None:
        self._units = units
        self._store = store
        self._checks = checks
        self._chunk = BatchSize(CHUNK)

    async def tick(self) -> float:
        """Work on what is under way; return the seconds to wait."""
        for _ in range(ROUNDS):
            ids = await self._store.bulk.due_ids(CHANGES)
            if not ids:
                return POLL_SECONDS
            for each in ids:
                if not await alone(self._store.bulk.collection, each, self.work_chunk(each)):
                    await self._store.bulk.put_back(each)
        return 0.0

    async def work_chunk(self, id_: str) -> None:
        """Change the next syncs, at most 500; each by itself where that fails."""
        with self._chunk.fitted() as limit:
            try:
                await self._units.run(partial(self._change_some, id_, limit))
            except Exception as error:
                if is_unavailable(error):
                    raise
                log.warning("chunk not changed: each sync by itself", error=type(error).__name__)
                await self._change_one_by_one(id_, limit)

    async def _change_one_by_one(self, id_: str, limit: int) -> None:
        for _ in range(limit):
            try:
                more = await self._units.run(partial(self._change_some, id_, 1))
            except Exception as error:
                if is_unavailable(error):
                    raise
                log.error("sync not changed", change=id_, error=type(error).__name__)
                more = await self._units.run(partial(self._pass_over, id_))
            if not more:
                return

    async def _change_some(self, id_: str, limit: int, unit: UnitOfWork) -> bool:
        """Change the next so many syncs; False at the end."""
        change = await self._store.bulk.get(id_, unit.session)
        if change is None or change.ended_at:
            return False
        ids = await self._store.bulk.take(id_, limit, unit.session)
        found = await self._store.syncs.among(change.workspace_id, ids, unit.session)
        syncs = {sync.id: sync for sync in found.items}
        await self._change(change, syncs, unit)
        for each in ids:
            if each not in syncs:
                unread = each in found.unread_ids
                _fail(change, each, None, _UNREADABLE if unread else not_found("sync"))
        return await self._advance(change, ids, unit)

    async def _pass_over(self, id_: str, unit: UnitOfWork) -> bool:
        """Leave out the next sync, of which nobody knows why it cannot be changed."""
        change = await self._store.bulk.get(id_, unit.session)
        if change is None:
            return False
        ids = await self._store.bulk.take(id_, 1, unit.session)
        for each in ids:
            _fail(change, each, None, _OUR_FAULT)
        return await self._advance(change, ids, unit)

    async def _advance(self, change: BulkChange, ids: list[str], unit: UnitOfWork) -> bool:
        if not ids:
            change.ended_at = unit.now
        await self._store.bulk.save(change, unit.session)
        return bool(ids)

    async def _change(
        self, change: BulkChange, syncs: Mapping[str, Sync], unit: UnitOfWork
    ) -> None:
        changes, by = Changes(), Actor(change.operator_id, change.connection_id)
        if change.action is BulkAction.RUN:
            await self._follow_connections(syncs, unit, changes)
        act = self._act(change.action)
        for sync in syncs.values():
            try:
                change.count(has_changed=act(sync, by, unit.now, changes))
            except Problem as problem:
                _fail(change, sync.id, sync.name, problem)
        if change.action is BulkAction.DELETE:
            await self._store.syncs.delete(syncs, unit.session)
        kept = () if change.action is BulkAction.DELETE else syncs.values()
        await self._store.save(unit, kept, changes)

    async def _follow_connections(
        self, syncs: Mapping[str, Sync], unit: UnitOfWork, changes: Changes
    ) -> None:
        deciding = await self._store.connections.deciding_for(syncs.values(), unit.session)
        for sync in syncs.values():
            holds.follow_connections(sync, deciding.known, unit.now, changes)

    def _act(self, action: BulkAction) -> Callable[[Sync, Actor, datetime, Changes], bool]:
        return {
            BulkAction.PAUSE: acts.pause,
            BulkAction.RESUME: acts.resume,
            BulkAction.RUN: self._run,
            BulkAction.DELETE: _delete,
        }[action]

    def _run(self, sync: Sync, by: Actor, now: datetime, changes: Changes) -> bool:
        return bool(acts.run_now(sync, by, now, changes, self._checks, check=False))


def _delete(sync: Sync, by: Actor, now: datetime, changes: Changes) -> bool:
    acts.delete(sync, by, now, changes)
    return True


def _fail(change: BulkChange, sync_id: str, name: str | None, problem: Problem) -> None:
    change.fail(sync_id, name, problem_uri(problem.type), str(problem.detail))
