"""The scheduler's documents in MongoDB: every read and write of them, and their indexes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

import bson
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateMany, UpdateOne
from tablesync.contracts import SyncRequested
from tablesync.scheduler.domain.changes import Changes, WithdrawnRun
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync
from tablesync.service_kit.messaging import outbox
from tablesync.service_kit.mongo import Database, Document, Session, from_now
from tablesync.service_kit.mongo.indexes import Indexes
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

M = TypeVar("M", Connection, Run, ClosedGap)

SYNCS, CONNECTION_HOLDS, RUNS, GAPS = "syncs", "connection_holds", "runs", "gaps"
IS_DUE: Document = {"claimable": True, "$expr": {"$lte": ["$due_at", "$$NOW"]}}


class Store:
    """Reads and writes; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.syncs = database[SYNCS]
        self.connections = database[CONNECTION_HOLDS]
        self.runs = database[RUNS]
        self.gaps = database[GAPS]

    # Syncs

    async def due(self, limit: int, session: Session) -> list[Sync]:
        """Return the syncs that are due by the database's clock, longest due first."""
        cursor = self.syncs.find(IS_DUE, session=session).sort("due_at", ASCENDING).limit(limit)
        return _syncs(await cursor.to_list(limit))

    async def seconds_until_due(self) -> float | None:
        """Return how long nothing is due, by the database's clock; None if there is no sync."""
        pipeline: list[Document] = [
            {"$match": {"claimable": True}},
            {"$sort": {"due_at": ASCENDING}},
            {"$limit": 1},
            {"$project": {"_id": 0, "left": {"$subtract": ["$due_at", "$$NOW"]}}},
        ]
        rows = await self.syncs.aggregate(pipeline, hint="due").to_list(1)
        return rows[0]["left"] / 1000 if rows else None

    async def sync(self, sync_id: str, session: Session | None = None) -> Sync | None:
        """Return one sync of any workspace."""
        found = await self.syncs.find_one({"_id": sync_id}, session=session)
        return Sync.from_document(found) if found else None

    async def sync_of(
        self, workspace_id: str, sync_id: str, session: Session | None = None
    ) -> Sync | None:
        """Return one sync of a workspace."""
        sync = await self.sync(sync_id, session)
        return sync if sync and sync.workspace_id == workspace_id else None

    async def syncs_of(self, workspace_id: str, limit: int) -> list[Sync]:
        """Return a workspace's syncs, oldest first."""
        cursor = self.syncs.find({"workspace_id": workspace_id}).sort("_id", ASCENDING)
        return _syncs(await cursor.limit(limit).to_list(limit))

    async def dependents(
        self,
        connection_id: str,
        after: str = "",
        limit: int | None = None,
        session: Session | None = None,
    ) -> list[Sync]:
        """Return the syncs that need a connection, by id, from a point on."""
        query = {"connection_ids": connection_id, "_id": {"$gt": after}}
        cursor = self.syncs.find(query, session=session).sort("_id", ASCENDING)
        return _syncs(await cursor.limit(limit or 0).to_list(limit))

    async def to_recheck(self, limit: int) -> list[Sync]:
        """Return the syncs that are held for their contents and due for another look."""
        query = {"$expr": {"$lte": ["$recheck_at", "$$NOW"]}, "recheck_at": {"$type": "date"}}
        return _syncs(await self.syncs.find(query).limit(limit).to_list(limit))

    async def owing(self, limit: int) -> list[Sync]:
        """Return the syncs that are not held and still owe a catch-up."""
        return _syncs(await self.syncs.find({"owed": True}).limit(limit).to_list(limit))

    # Connections

    async def connection(
        self, connection_id: str, session: Session | None = None
    ) -> Connection | None:
        """Return what is known of one connection."""
        found = await self.connections.find_one({"_id": connection_id}, session=session)
        return _one(Connection, found)

    async def held_among(
        self, connection_ids: Iterable[str], session: Session | None = None
    ) -> dict[str, Connection]:
        """Return those of the connections that are held; reads no document while none is."""
        query = {"held": True, "_id": {"$in": sorted(set(connection_ids))}}
        found = await self.connections.find(query, session=session).to_list(None)
        return {each.id: each for each in _all(Connection, found)}

    async def with_job(self, limit: int) -> list[str]:
        """Return connections whose state has not reached all their syncs, least advanced first."""
        query = {"job": {"$exists": True}}
        cursor = self.connections.find(query, {"_id": 1}).sort("job", ASCENDING).limit(limit)
        return [row["_id"] for row in await cursor.to_list(limit)]

    async def sequences(self, connection_ids: Iterable[str]) -> dict[str, int]:
        """Return the sequence of each of these connections that is known."""
        query = {"_id": {"$in": list(connection_ids)}}
        rows = await self.connections.find(query, {"sequence": 1}).to_list(None)
        return {row["_id"]: row["sequence"] for row in rows}

    async def newest_sequence(self) -> int:
        """Return the highest sequence of any connection state that is known."""
        row = await self.connections.find_one({}, {"sequence": 1}, sort=[("sequence", DESCENDING)])
        return int(row["sequence"]) if row else 0

    async def save_connection(self, state: Connection, session: Session) -> None:
        """Store a connection's state."""
        await self.connections.replace_one(
            {"_id": state.id}, state.to_document(), upsert=True, session=session
        )

    # Runs and gaps

    async def run(self, run_id: str, session: Session | None = None) -> Run | None:
        """Return one run of any workspace."""
        return _one(Run, await self.runs.find_one({"_id": run_id}, session=session))

    async def runs_by_id(self, run_ids: Iterable[str | None]) -> dict[str, Run]:
        """Return the runs with these ids; None is passed over."""
        wanted = sorted({each for each in run_ids if each})
        found = await self.runs.find({"_id": {"$in": wanted}}).to_list(None)
        return {run.id: run for run in _all(Run, found)}

    async def runs_of(self, workspace_id: str, sync_id: str | None, limit: int) -> list[Run]:
        """Return a workspace's runs, or one sync's, newest first."""
        query = {"workspace_id": workspace_id, **({"sync_id": sync_id} if sync_id else {})}
        cursor = self.runs.find(query).sort("_id", DESCENDING).limit(limit)
        return _all(Run, await cursor.to_list(limit))

    async def overdue_runs(self, seconds: float, limit: int) -> list[Run]:
        """Return open runs that nobody has asked about for so long."""
        line = from_now(-seconds)
        query = {"open": True, "$expr": {"$lte": ["$checked_at", line]}}
        cursor = self.runs.find(query).sort("checked_at", ASCENDING).limit(limit)
        return _all(Run, await cursor.to_list(limit))

    async def mark_checked(self, run_ids: Sequence[str]) -> None:
        """Note that these runs were asked about now."""
        await self.runs.update_many(
            {"_id": {"$in": list(run_ids)}}, [{"$set": {"checked_at": "$$NOW"}}]
        )

    async def unsent(self, runs: Sequence[Run]) -> set[str]:
        """Return those of the runs that no runner can know of: planned, or of syncs whose requests
        still wait in the outbox.

        The plan is read first: a catch-up leaves it in the transaction that stores its request.
        """
        sync_ids = sorted({run.sync_id for run in runs})
        planned = await self.syncs.distinct("planned.run_id", {"_id": {"$in": sync_ids}})
        waiting = await outbox.unpublished(self.database, SyncRequested.topic, sync_ids)
        return {run.id for run in runs if run.id in planned or run.sync_id in waiting}

    async def count_unknown(self, run_ids: Sequence[str]) -> None:
        """Note that sync-runner did not know of these runs."""
        await self.runs.update_many({"_id": {"$in": list(run_ids)}}, {"$inc": {"times_unknown": 1}})

    async def save_run(self, run: Run, session: Session) -> None:
        """Store a run that is there already."""
        await self.runs.replace_one({"_id": run.id}, run.to_document(), session=session)

    async def gaps_of(self, sync_id: str) -> list[ClosedGap]:
        """Return a sync's closed gaps, oldest first."""
        found = await self.gaps.find({"sync_id": sync_id}).sort("_id", ASCENDING).to_list(None)
        return _all(ClosedGap, found)

    # Decisions

    async def create(self, unit: UnitOfWork, sync: Sync) -> None:
        """Store a new sync."""
        await self.syncs.insert_one(sync.to_document(), session=unit.session)

    async def delete(self, unit: UnitOfWork, sync: Sync) -> None:
        """Forget a sync; its runs and gaps stay."""
        await self.syncs.delete_one({"_id": sync.id}, session=unit.session)

    async def save(
        self, unit: UnitOfWork, syncs: Iterable[Sync], changes: Changes | None = None
    ) -> None:
        """Store changed syncs, read in this transaction, and what was decided with them."""
        if writes := _writes(syncs):
            await self.syncs.bulk_write(writes, ordered=False, session=unit.session)
        if changes:
            await self._save_changes(unit, changes)

    async def _save_changes(self, unit: UnitOfWork, changes: Changes) -> None:
        if changes.runs:
            runs = [run.to_document() for run in changes.runs]
            await self.runs.insert_many(runs, ordered=False, session=unit.session)
        if changes.withdrawn:
            ends = [_withdrawal(each) for each in changes.withdrawn]
            await self.runs.bulk_write(ends, ordered=False, session=unit.session)
        if changes.gaps:
            gaps = [gap.to_document() for gap in changes.gaps]
            await self.gaps.insert_many(gaps, ordered=False, session=unit.session)
        unit.publish(*changes.events)


def _syncs(found: Iterable[Document]) -> list[Sync]:
    return [Sync.from_document(each) for each in found]


def _one(model: type[M], found: Document | None) -> M | None:
    return model.from_document(found) if found is not None else None


def _all(model: type[M], found: Iterable[Document]) -> list[M]:
    return [model.from_document(each) for each in found]


def _writes(syncs: Iterable[Sync]) -> list[UpdateOne | UpdateMany]:
    """Make one update per distinct change: thousands of syncs are held by the same few."""
    updates: dict[bytes, Document] = {}
    ids: dict[bytes, list[str]] = defaultdict(list)
    for sync in syncs:
        if update := _changes_of(sync):
            same = bson.encode(update)
            updates[same] = update
            ids[same].append(sync.id)
    return [_update(ids[same], update) for same, update in updates.items()]


def _changes_of(sync: Sync) -> Document:
    """Return the update that brings the stored form up to date; empty if it is."""
    now, before = sync.to_document(), sync.stored
    update = {
        "$set": {name: each for name, each in now.items() if before.get(name, ...) != each},
        "$unset": dict.fromkeys(before.keys() - now.keys(), ""),
    }
    return {operator: fields for operator, fields in update.items() if fields}


def _update(ids: list[str], update: Document) -> UpdateOne | UpdateMany:
    if len(ids) == 1:
        return UpdateOne({"_id": ids[0]}, update)
    return UpdateMany({"_id": {"$in": ids}}, update)


def _withdrawal(withdrawn: WithdrawnRun) -> UpdateOne:
    end = {
        "status": withdrawn.status,
        "summary": withdrawn.summary,
        "ended_at": withdrawn.at,
    }
    return UpdateOne({"_id": withdrawn.run_id}, {"$set": end, "$unset": {"open": ""}})


def _partial(keys: list[tuple[str, int]], name: str, condition: Document) -> IndexModel:
    return IndexModel(keys, name=name, partialFilterExpression=condition)


INDEXES: Indexes = {
    SYNCS: [
        _partial([("claimable", 1), ("due_at", 1)], "due", {"claimable": True}),
        IndexModel([("connection_ids", ASCENDING), ("_id", ASCENDING)], name="dependents"),
        IndexModel([("workspace_id", ASCENDING), ("_id", ASCENDING)], name="workspace"),
        _partial([("recheck_at", 1)], "recheck", {"recheck_at": {"$type": "date"}}),
        _partial([("owed", 1)], "owed", {"owed": True}),
    ],
    CONNECTION_HOLDS: [
        _partial([("held", 1), ("_id", 1)], "held", {"held": True}),
        _partial([("job", 1)], "job", {"job": {"$exists": True}}),
        IndexModel([("sequence", DESCENDING)], name="sequence"),
    ],
    RUNS: [
        IndexModel([("workspace_id", ASCENDING), ("_id", DESCENDING)], name="workspace"),
        IndexModel([("sync_id", ASCENDING), ("_id", DESCENDING)], name="sync"),
        _partial([("open", 1), ("checked_at", 1)], "open", {"open": True}),
        # No slot twice, whatever happens.
        IndexModel(
            [("sync_id", ASCENDING), ("slot", ASCENDING)],
            name="slot",
            unique=True,
            partialFilterExpression={"slot": {"$exists": True}},
        ),
    ],
    GAPS: [IndexModel([("sync_id", ASCENDING), ("_id", ASCENDING)])],
}
