"""Reads and writes of syncs."""

from collections import defaultdict
from collections.abc import Iterable

import bson
from pymongo import ASCENDING, IndexModel, UpdateMany, UpdateOne
from tablesync.scheduler.domain.syncs import Sync
from tablesync.service_kit.http.pages import Page, PageRequest, find_page
from tablesync.service_kit.mongo import Collection, Database, Document, Session

COLLECTION = "syncs"
IS_DUE: Document = {"claimable": True, "$expr": {"$lte": ["$due_at", "$$NOW"]}}
NEEDS_RECHECK: Document = {
    "$expr": {"$lte": ["$recheck_at", "$$NOW"]},
    "recheck_at": {"$type": "date"},
}


class SyncStore:
    """The collection `syncs`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self._collection: Collection = database[COLLECTION]

    async def get(self, sync_id: str, session: Session | None = None) -> Sync | None:
        """Return one sync of any workspace."""
        found = await self._collection.find_one({"_id": sync_id}, session=session)
        return Sync.from_document(found) if found else None

    async def get_of(
        self, workspace_id: str, sync_id: str, session: Session | None = None
    ) -> Sync | None:
        """Return one sync of a workspace."""
        sync = await self.get(sync_id, session)
        return sync if sync and sync.workspace_id == workspace_id else None

    async def page_of(self, workspace_id: str, at: PageRequest) -> Page[Sync]:
        """Return a page of a workspace's syncs, oldest first; raises Problem for a bad cursor."""
        found = await find_page(self._collection, {"workspace_id": workspace_id}, at)
        return found.map(Sync.from_document)

    async def due(self, limit: int, session: Session) -> list[Sync]:
        """Return the syncs that are due by the database's clock, longest due first."""
        cursor = self._collection.find(IS_DUE, session=session).sort("due_at", ASCENDING)
        return _syncs(await cursor.limit(limit).to_list(limit))

    async def seconds_until_due(self) -> float | None:
        """Return how long nothing is due, by the database's clock; None if there is no sync."""
        pipeline: list[Document] = [
            {"$match": {"claimable": True}},
            {"$sort": {"due_at": ASCENDING}},
            {"$limit": 1},
            {"$project": {"_id": 0, "left": {"$subtract": ["$due_at", "$$NOW"]}}},
        ]
        rows = await self._collection.aggregate(pipeline, hint="due").to_list(1)
        return rows[0]["left"] / 1000 if rows else None

    async def dependents(
        self,
        connection_id: str,
        after: str = "",
        limit: int | None = None,
        session: Session | None = None,
    ) -> list[Sync]:
        """Return the syncs that need a connection, by id, from a point on."""
        query = {"connection_ids": connection_id, "_id": {"$gt": after}}
        cursor = self._collection.find(query, session=session).sort("_id", ASCENDING)
        return _syncs(await cursor.limit(limit or 0).to_list(limit))

    async def to_recheck(self, limit: int) -> list[Sync]:
        """Return the syncs that are held for their contents and due for another look."""
        return _syncs(await self._collection.find(NEEDS_RECHECK).limit(limit).to_list(limit))

    async def owing(self, limit: int) -> list[Sync]:
        """Return the syncs that are not held and still owe a catch-up."""
        return _syncs(await self._collection.find({"owed": True}).limit(limit).to_list(limit))

    async def planned_among(self, sync_ids: Iterable[str]) -> set[str]:
        """Return the runs that these syncs have planned and nobody was asked for yet."""
        query = {"_id": {"$in": list(sync_ids)}}
        return set(await self._collection.distinct("planned.run_id", query))

    async def insert(self, sync: Sync, session: Session) -> None:
        """Store a new sync."""
        await self._collection.insert_one(sync.to_document(), session=session)

    async def delete(self, sync: Sync, session: Session) -> None:
        """Forget a sync."""
        await self._collection.delete_one({"_id": sync.id}, session=session)

    async def save(self, syncs: Iterable[Sync], session: Session) -> None:
        """Store what has changed of syncs that were read in this transaction."""
        if writes := _writes(syncs):
            await self._collection.bulk_write(writes, ordered=False, session=session)


def _syncs(found: Iterable[Document]) -> list[Sync]:
    return [Sync.from_document(each) for each in found]


def _writes(syncs: Iterable[Sync]) -> list[UpdateOne | UpdateMany]:
    """Return one update per distinct change: thousands of syncs are held by the same few."""
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


INDEXES = [
    IndexModel(
        [("claimable", ASCENDING), ("due_at", ASCENDING)],
        name="due",
        partialFilterExpression={"claimable": True},
    ),
    IndexModel([("connection_ids", ASCENDING), ("_id", ASCENDING)], name="dependents"),
    IndexModel([("workspace_id", ASCENDING), ("_id", ASCENDING)], name="workspace"),
    IndexModel(
        [("recheck_at", ASCENDING)],
        name="recheck",
        partialFilterExpression={"recheck_at": {"$type": "date"}},
    ),
    IndexModel([("owed", ASCENDING)], name="owed", partialFilterExpression={"owed": True}),
]
