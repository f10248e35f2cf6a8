"""Reads and writes of what is known of connections."""

from collections.abc import Iterable

from pymongo import ASCENDING, DESCENDING, IndexModel
from tablesync.scheduler.domain.connections import Connection
from tablesync.service_kit.mongo import Collection, Database, Session

COLLECTION = "connection_holds"


class ConnectionStore:
    """The collection `connection_holds`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self.collection: Collection = database[COLLECTION]

    async def get(self, connection_id: str, session: Session | None = None) -> Connection | None:
        """Return what is known of one connection."""
        found = await self.collection.find_one({"_id": connection_id}, session=session)
        return Connection.from_document(found) if found else None

    async def held_among(
        self, connection_ids: Iterable[str], session: Session | None = None
    ) -> dict[str, Connection]:
        """Return those of the connections that are held; reads no document while none is."""
        query = {"held": True, "_id": {"$in": sorted(set(connection_ids))}}
        found = await self.collection.find(query, session=session).to_list(None)
        return {each["_id"]: Connection.from_document(each) for each in found}

    async def with_job(self, limit: int) -> list[str]:
        """Return connections whose state has not reached all their syncs, least advanced first."""
        query = {"job": {"$exists": True}}
        cursor = self.collection.find(query, {"_id": 1}).sort("job", ASCENDING).limit(limit)
        return [row["_id"] for row in await cursor.to_list(limit)]

    async def sequences(self, connection_ids: Iterable[str]) -> dict[str, int]:
        """Return the sequence of each of these connections that is known."""
        query = {"_id": {"$in": list(connection_ids)}}
        rows = await self.collection.find(query, {"sequence": 1}).to_list(None)
        return {row["_id"]: row["sequence"] for row in rows}

    async def newest_sequence(self) -> int:
        """Return the highest sequence of any connection state that is known."""
        row = await self.collection.find_one({}, {"sequence": 1}, sort=[("sequence", DESCENDING)])
        return int(row["sequence"]) if row else 0

    async def save(self, state: Connection, session: Session) -> None:
        """Store a connection's state."""
        await self.collection.replace_one(
            {"_id": state.id}, state.to_document(), upsert=True, session=session
        )


INDEXES = [
    IndexModel(
        [("held", ASCENDING), ("_id", ASCENDING)],
        name="held",
        partialFilterExpression={"held": True},
    ),
    IndexModel(
        [("job", ASCENDING)], name="job", partialFilterExpression={"job": {"$exists": True}}
    ),
    IndexModel([("sequence", DESCENDING)], name="sequence"),
]
