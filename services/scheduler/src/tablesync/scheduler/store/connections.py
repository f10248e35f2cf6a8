"""Reads and writes of what is known of connections."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.syncs import Sync
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.service_kit.mongo import Collection, Database, Document, Session
from tablesync.service_kit.mongo.indexes import Retired
from tablesync.service_kit.mongo.reading import read, read_all, set_aside

COLLECTION = "connection_holds"


# A job that was put back waits for its time; one that never was has none, and is due.
HAS_DUE_JOB: Document = {
    "job": {"$exists": True},
    "$expr": {"$lte": ["$job_at", "$$NOW"]},
}


@dataclass(frozen=True)
class DecidingConnections:
    """Connections that may hold syncs, by id, and those of which nobody can say that here."""

    known: dict[str, Connection]
    unread_ids: frozenset[str]

    def can_tell_of(self, sync: Sync) -> bool:
        """Whether it is known how each connection of a sync stands."""
        return self.unread_ids.isdisjoint(sync.connection_ids)


class ConnectionStore:
    """The collection `connection_holds`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self.collection: Collection = database[COLLECTION]

    async def get(self, connection_id: str, session: Session | None = None) -> Connection | None:
        """Return what is known of one connection; raises UnreadableDocumentError."""
        found = await self.collection.find_one({"_id": connection_id}, session=session)
        return read(self.collection, Connection.from_document, found) if found else None

    async def is_older(self, connection_id: str, sequence: int, session: Session) -> bool:
        """Whether what is stored of a connection, readable or not, is older than a sequence."""
        query = {"_id": connection_id, "sequence": {"$not": {"$gte": sequence}}}
        return await self.collection.find_one(query, {"_id": 1}, session=session) is not None

    async def deciding_among(
        self, connection_ids: Iterable[str], session: Session | None = None
    ) -> dict[str, Connection]:
        """Return those of the connections that may hold a sync which is not marked so yet.

        They are held, or settling. Reads no document while none is; raises
        UnreadableDocumentError.
        """
        found = await self._deciding(connection_ids, session)
        return {
            each["_id"]: read(self.collection, Connection.from_document, each) for each in found
        }

    async def deciding_for(
        self, syncs: Iterable[Sync], session: Session | None = None
    ) -> DecidingConnections:
        """Return those of the connections of several syncs that are held, or settling."""
        needed = (connection_id for sync in syncs for connection_id in sync.connection_ids)
        rows = await self._deciding(needed, session)
        found = read_all(self.collection, Connection.from_document, rows)
        known = {each.id: each for each in found.items}
        return DecidingConnections(known, frozenset(found.unread_ids))

    async def with_job(self, limit: int) -> list[str]:
        """Return connections whose state has not reached all their syncs, least advanced first."""
        cursor = self.collection.find(HAS_DUE_JOB, {"_id": 1})
        cursor = cursor.sort([("job_at", ASCENDING), ("job", ASCENDING)]).limit(limit)
        return [row["_id"] for row in await cursor.to_list(limit)]

    async def put_job_back(self, connection_id: str) -> None:
        """Have the job of a connection that cannot be read come again in a minute."""
        await set_aside(self.collection, [connection_id], "job_at")

    async def sequences(self, connection_ids: Iterable[str]) -> dict[str, int]:
        """Return the sequence of each of these connections that is known."""
        query = {"_id": {"$in": list(connection_ids)}, "sequence": {"$type": "number"}}
        rows = await self.collection.find(query, {"sequence": 1}).to_list(None)
        return {row["_id"]: row["sequence"] for row in rows}

    async def newest_sequence(self, now: datetime) -> int:
        """Return the highest sequence of any connection state that is known and not of later."""
        numbered = {"sequence": {"$type": "number", "$lte": unix_milliseconds(now)}}
        newest = [("sequence", DESCENDING)]
        row = await self.collection.find_one(numbered, {"sequence": 1}, sort=newest)
        return int(row["sequence"]) if row else 0

    async def save(self, state: Connection, session: Session) -> None:
        """Store a connection's state."""
        await self.collection.replace_one(
            {"_id": state.id}, state.to_document(), upsert=True, session=session
        )

    async def _deciding(
        self, connection_ids: Iterable[str], session: Session | None
    ) -> list[Document]:
        among = {"$in": sorted(set(connection_ids))}
        query = {"$or": [{"held": True, "_id": among}, {"settling": True, "_id": among}]}
        return await self.collection.find(query, session=session).to_list(None)


INDEXES: list[IndexModel | Retired] = [
    IndexModel(
        [("held", ASCENDING), ("_id", ASCENDING)],
        name="held",
        partialFilterExpression={"held": True},
    ),
    IndexModel(
        [("settling", ASCENDING), ("_id", ASCENDING)],
        name="settling",
        partialFilterExpression={"settling": True},
    ),
    IndexModel(
        [("job_at", ASCENDING), ("job", ASCENDING)],
        name="job_due",
        partialFilterExpression={"job": {"$exists": True}},
    ),
    IndexModel([("sequence", DESCENDING)], name="sequence"),
    Retired("job"),
]
