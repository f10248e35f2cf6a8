"""Reads and writes of pauses that are over."""

from collections.abc import Sequence

from pymongo import ASCENDING, IndexModel
from tablesync.scheduler.domain.syncs import ClosedPause
from tablesync.service_kit.mongo import Collection, Database, Session
from tablesync.service_kit.mongo.reading import Found, read_all

COLLECTION = "pauses"


class PauseStore:
    """The collection `pauses`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self._collection: Collection = database[COLLECTION]

    async def all_of(self, sync_id: str) -> Found[ClosedPause]:
        """Return a sync's pauses that are over, oldest first."""
        cursor = self._collection.find({"sync_id": sync_id}).sort("_id", ASCENDING)
        return read_all(self._collection, ClosedPause.model_validate, await cursor.to_list(None))

    async def insert(self, pauses: Sequence[ClosedPause], session: Session) -> None:
        """Store pauses that have ended."""
        if pauses:
            documents = [each.model_dump() for each in pauses]
            await self._collection.insert_many(documents, ordered=False, session=session)


INDEXES = [IndexModel([("sync_id", ASCENDING), ("_id", ASCENDING)], name="sync")]
