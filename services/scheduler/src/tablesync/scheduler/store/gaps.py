"""Reads and writes of gaps that are closed."""

from collections.abc import Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.service_kit.mongo import Collection, Database, Session
from tablesync.service_kit.mongo.reading import Found, read_all

COLLECTION = "gaps"


class GapStore:
    """The collection `gaps`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self._collection: Collection = database[COLLECTION]

    async def all_of(self, sync_id: str) -> Found[ClosedGap]:
        """Return a sync's closed gaps, oldest first."""
        cursor = self._collection.find({"sync_id": sync_id}).sort("_id", ASCENDING)
        return read_all(self._collection, ClosedGap.from_document, await cursor.to_list(None))

    async def insert(self, gaps: Sequence[ClosedGap], session: Session) -> None:
        """Store gaps that have been closed."""
        if gaps:
            documents = [gap.to_document() for gap in gaps]
            await self._collection.insert_many(documents, ordered=False, session=session)


INDEXES = [
    IndexModel([("sync_id", ASCENDING), ("_id", ASCENDING)]),
    IndexModel(
        [
            ("workspace_id", ASCENDING),
            ("hold.connection_id", ASCENDING),
            ("hold.since", DESCENDING),
        ],
        name="outages",
    ),
]
