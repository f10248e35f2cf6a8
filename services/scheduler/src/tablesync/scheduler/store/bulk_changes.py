"""Reads and writes of changes to many syncs: the job, and the ids that it has still to come to.

The ids are kept in documents of their own, a chunk each: a job of thousands is written small.
"""

from collections.abc import Sequence

from pymongo import ASCENDING, IndexModel
from tablesync.scheduler.domain.bulk import BulkChange
from tablesync.service_kit.mongo import Collection, Database, Document, Session
from tablesync.service_kit.mongo.indexes import expiry
from tablesync.service_kit.mongo.reading import read, set_aside

COLLECTION = "bulk_changes"
CHUNKS = "bulk_chunks"
CHUNK = 500
# Who has asked for one looks at its report within days.
KEEP_DAYS = 7
_DUE: Document = {"open": True, "$expr": {"$lte": ["$due_at", "$$NOW"]}}


class BulkChangeStore:
    """The collections `bulk_changes` and `bulk_chunks`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self.collection: Collection = database[COLLECTION]
        self._chunks: Collection = database[CHUNKS]

    async def get(self, id_: str, session: Session | None = None) -> BulkChange | None:
        """Return one of any workspace; raises UnreadableDocumentError."""
        return await self._get({"_id": id_}, session)

    async def get_of(self, workspace_id: str, id_: str) -> BulkChange | None:
        """Return one of a workspace; raises UnreadableDocumentError."""
        return await self._get({"_id": id_, "workspace_id": workspace_id}, None)

    async def due_ids(self, limit: int) -> list[str]:
        """Return which are under way, the longest first."""
        cursor = self.collection.find(_DUE, {"_id": 1}).sort("due_at", ASCENDING).limit(limit)
        return [each["_id"] for each in await cursor.to_list(limit)]

    async def put_back(self, id_: str) -> None:
        """Have one that cannot be read come again in a minute."""
        await set_aside(self.collection, [id_], "due_at")

    async def insert(self, change: BulkChange, sync_ids: Sequence[str], session: Session) -> None:
        """Store a new one."""
        await self.collection.insert_one(change.to_document(), session=session)
        chunks = [
            {"bulk_change_id": change.id, "sync_ids": sync_ids[first : first + CHUNK]}
            for first in range(0, len(sync_ids), CHUNK)
        ]
        if chunks:
            await self._chunks.insert_many(chunks, session=session)

    async def take(self, id_: str, limit: int, session: Session) -> list[str]:
        """Take up to so many of the ids that it has still to come to; none at its end."""
        query = {"bulk_change_id": id_}
        chunk = await self._chunks.find_one(query, sort=[("_id", ASCENDING)], session=session)
        if chunk is None:
            return []
        taken, left = chunk["sync_ids"][:limit], chunk["sync_ids"][limit:]
        its = {"_id": chunk["_id"]}
        if left:
            await self._chunks.update_one(its, {"$set": {"sync_ids": left}}, session=session)
        else:
            await self._chunks.delete_one(its, session=session)
        return list(taken)

    async def save(self, change: BulkChange, session: Session) -> None:
        """Store how far one has come."""
        await self.collection.replace_one({"_id": change.id}, change.to_document(), session=session)

    async def _get(self, query: Document, session: Session | None) -> BulkChange | None:
        found = await self.collection.find_one(query, session=session)
        return read(self.collection, BulkChange.from_document, found) if found else None


INDEXES = [
    IndexModel(
        [("open", ASCENDING), ("due_at", ASCENDING)],
        name="open",
        partialFilterExpression={"open": True},
    ),
    expiry("ended_at", KEEP_DAYS),
]
CHUNK_INDEXES = [IndexModel([("bulk_change_id", ASCENDING), ("_id", ASCENDING)], name="change")]
