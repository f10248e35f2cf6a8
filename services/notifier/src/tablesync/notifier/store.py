"""The notifier's documents in MongoDB: their indexes, and each query but those of mail jobs."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel
from tablesync.contracts.public_api.incidents import IncidentKind, IncidentStatus
from tablesync.notifier.models import (
    CatchUpEnd,
    ConnectionIncident,
    HoldState,
    Incident,
    KnownConnection,
    SyncIncident,
)
from tablesync.service_kit.messaging.kafka import outlasting_dead_letters
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.indexes import Indexes, Retired, expiry
from tablesync.service_kit.mongo.reading import read, read_all

INCIDENTS = "incidents"
CONNECTIONS = "connections"
SYNCS = "syncs"
RUNS = "runs"
MAILS = "mails"
PREFERENCES = "preferences"


class Store:
    """Reads and writes; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.incidents = database[INCIDENTS]
        self.connections = database[CONNECTIONS]
        self.syncs = database[SYNCS]
        self.runs = database[RUNS]

    # Incidents of either kind

    async def add_incident(self, incident: Incident, session: Session) -> None:
        """Store a new incident."""
        await self.incidents.insert_one(incident.to_document(), session=session)

    async def close_incident(self, incident_id: str, at: datetime, session: Session) -> None:
        """Close an incident."""
        await self.incidents.update_one({"_id": incident_id}, _closing(at), session=session)

    async def close_incident_now(self, incident_id: str) -> None:
        """Close an incident by the database's clock."""
        closed = {"status": IncidentStatus.CLOSED, "closed_at": "$$NOW"}
        await self.incidents.update_one(
            {"_id": incident_id}, [{"$set": closed}, {"$unset": "open_key"}]
        )

    async def mark_mailed(self, incident_id: str, at: datetime, session: Session) -> bool:
        """Whether the incident is open, by a write: a close at the same time conflicts."""
        result = await self.incidents.update_one(
            {"_id": incident_id, "status": IncidentStatus.OPEN},
            {"$set": {"mailed_at": at}},
            session=session,
        )
        return bool(result.matched_count)

    # Incidents of connections

    async def connection_incident(self, incident_id: str) -> ConnectionIncident | None:
        """Return the incident of a connection."""
        found = await self.incidents.find_one({"_id": incident_id})
        return self._connection_incident(found) if found else None

    async def connection_incident_ids(self, connection_id: str, session: Session) -> list[str]:
        """Return the ids of all incidents that a connection has had."""
        query = {"kind": IncidentKind.CONNECTION, "connection_id": connection_id}
        cursor = self.incidents.find(query, {"_id": 1}, session=session)
        return [row["_id"] async for row in cursor]

    async def loss_is_known(self, key: str, connection_id: str, session: Session) -> bool:
        """Whether a loss has had its incident, or the connection has an open one."""
        query = {"$or": [{"key": key}, {"open_key": connection_id}]}
        return await self.incidents.find_one(query, {"_id": 1}, session=session) is not None

    async def close_incident_of(
        self, connection_id: str, at: datetime, session: Session
    ) -> ConnectionIncident | None:
        """Close a connection's open incident, if it has one; return it as it was."""
        found = await self.incidents.find_one_and_update(
            {"open_key": connection_id}, _closing(at), session=session
        )
        return self._connection_incident(found) if found else None

    # Incidents of syncs

    async def sync_incidents(self, incident_ids: Sequence[str]) -> list[SyncIncident]:
        """Return those incidents of syncs that can be read, in the order of their ids here."""
        rows = await self.incidents.find({"_id": {"$in": list(incident_ids)}}).to_list(None)
        found = {each.id: each for each in self._sync_incidents(rows)}
        return [found[each] for each in incident_ids if each in found]

    async def note_failure(self, incident: SyncIncident, session: Session) -> bool:
        """Whether a failure has its incident, or the sync and cause an open one, which fails on.

        That one tells the newest failure.
        """
        assert incident.open_key, "a new incident is open"
        newest = {"$gte": [incident.last_failed_at, "$last_failed_at"]}
        told = incident.model_dump(include={"connection_id", "summary", "last_failed_at"})
        change = {
            name: {"$cond": [newest, {"$literal": each}, f"${name}"]} for name, each in told.items()
        }
        known = await self.incidents.find_one_and_update(
            {"$or": [{"open_key": incident.open_key}, {"key": incident.key}]},
            [{"$set": change}],
            {"_id": 1},
            session=session,
        )
        return known is not None

    async def failing(self, sync_id: str, before: datetime, session: Session) -> list[SyncIncident]:
        """Return a sync's open incidents whose last failure was before a moment, if readable."""
        query = {
            "sync_id": sync_id,
            "status": IncidentStatus.OPEN,
            "last_failed_at": {"$lt": before},
        }
        return self._sync_incidents(await self.incidents.find(query, session=session).to_list(None))

    async def open_incidents_of(self, sync_id: str, session: Session) -> list[SyncIncident]:
        """Return a sync's open incidents."""
        query = {"sync_id": sync_id, "status": IncidentStatus.OPEN}
        return self._sync_incidents(await self.incidents.find(query, session=session).to_list(None))

    # Connections

    async def connection(
        self, connection_id: str, session: Session | None = None
    ) -> KnownConnection | None:
        """Return what is known of a connection."""
        found = await self.connections.find_one({"_id": connection_id}, session=session)
        return read(self.connections, KnownConnection.from_document, found) if found else None

    async def sequences(self, connection_ids: Iterable[str]) -> dict[str, int]:
        """Return the sequence of each of these connections that is known."""
        query = {"_id": {"$in": list(connection_ids)}, "sequence": {"$type": "number"}}
        rows = await self.connections.find(query, {"sequence": 1}).to_list(None)
        return {row["_id"]: row["sequence"] for row in rows}

    async def save_connection(self, state: KnownConnection, session: Session) -> None:
        """Store a connection's state."""
        await self.connections.replace_one(
            {"_id": state.id}, state.to_document(), upsert=True, session=session
        )

    # Syncs and their catch-ups

    async def hold_sequence(self, sync_id: str, session: Session) -> int:
        """Return the sequence of a sync's hold state; 0 while none is known."""
        found = await self.syncs.find_one({"_id": sync_id}, {"sequence": 1}, session=session)
        return int(found.get("sequence", 0)) if found else 0

    async def save_hold(self, state: HoldState, session: Session) -> None:
        """Store a sync's hold state, beside what else is known of the sync."""
        fields = state.to_document()
        await self.syncs.update_one(
            {"_id": fields.pop("_id")}, {"$set": fields}, upsert=True, session=session
        )

    async def holds_by(self, connection_id: str) -> list[HoldState]:
        """Return those hold states that a connection has caused and that can be read."""
        rows = await self.syncs.find({"hold.connection_id": connection_id}).to_list(None)
        return read_all(self.syncs, HoldState.from_document, rows).items

    async def last_success(self, sync_id: str, session: Session) -> datetime | None:
        """Return when a sync succeeded last, by sync-runner's database clock."""
        found = await self.syncs.find_one({"_id": sync_id}, {"succeeded_at": 1}, session=session)
        return found.get("succeeded_at") if found else None

    async def note_success(self, sync_id: str, at: datetime, session: Session) -> None:
        """Note a success, unless a later one is known."""
        await self.syncs.update_one(
            {"_id": sync_id}, {"$max": {"succeeded_at": at}}, upsert=True, session=session
        )

    async def note_deletion(
        self, sync_id: str, sequence: int, at: datetime, session: Session
    ) -> None:
        """Note that a sync was deleted, in place of its hold state."""
        deletion = {"sequence": sequence, "deleted_at": at}
        holds = dict.fromkeys(HoldState.model_fields.keys() - {"sync_id", *deletion}, "")
        await self.syncs.update_one(
            {"_id": sync_id}, {"$set": deletion, "$unset": holds}, upsert=True, session=session
        )

    async def is_deleted(self, sync_id: str, session: Session) -> bool:
        """Whether a sync was deleted, as far as is known."""
        query = {"_id": sync_id, "deleted_at": {"$exists": True}}
        return await self.syncs.find_one(query, {"_id": 1}, session=session) is not None

    async def save_catch_up(self, end: CatchUpEnd, session: Session) -> None:
        """Store how a catch-up ended."""
        await self.runs.replace_one(
            {"_id": end.run_id}, end.to_document(), upsert=True, session=session
        )

    async def catch_ups(self, run_ids: Iterable[str | None]) -> dict[str, CatchUpEnd]:
        """Return how these catch-ups ended, by run; None is passed over."""
        wanted = sorted({each for each in run_ids if each})
        rows = await self.runs.find({"_id": {"$in": wanted}}).to_list(None)
        ends = read_all(self.runs, CatchUpEnd.from_document, rows).items
        return {each.run_id: each for each in ends}

    def _connection_incident(self, found: Document) -> ConnectionIncident:
        return read(self.incidents, ConnectionIncident.from_document, found)

    def _sync_incidents(self, found: Iterable[Document]) -> list[SyncIncident]:
        return read_all(self.incidents, SyncIncident.from_document, found).items


def _closing(at: datetime) -> Document:
    closed = {"status": IncidentStatus.CLOSED, "closed_at": at}
    return {"$set": closed, "$unset": {"open_key": ""}}


_NEWEST_FIRST = [("opened_at", DESCENDING), ("_id", DESCENDING)]
INDEXES: Indexes = {
    INCIDENTS: [
        IndexModel([("key", ASCENDING)], name="key", unique=True),
        IndexModel(
            [("open_key", ASCENDING)],
            name="one_open",
            unique=True,
            partialFilterExpression={"open_key": {"$exists": True}},
        ),
        IndexModel([("workspace_id", ASCENDING), *_NEWEST_FIRST], name="newest_first"),
        IndexModel(
            [("workspace_id", ASCENDING), ("status", ASCENDING), *_NEWEST_FIRST],
            name="newest_of_status",
        ),
        *(
            IndexModel(
                [("workspace_id", ASCENDING), (of, ASCENDING), *status, *_NEWEST_FIRST],
                name=f"newest_of_{of.removesuffix('_id')}{'_and_status' if status else ''}",
            )
            for of in ("connection_id", "sync_id")
            for status in ([], [("status", ASCENDING)])
        ),
        IndexModel([("sync_id", ASCENDING), ("status", ASCENDING)], name="sync", sparse=True),
        IndexModel(
            [("connection_id", ASCENDING), ("kind", ASCENDING)], name="connection", sparse=True
        ),
        Retired("newest"),
    ],
    MAILS: [
        IndexModel([("status", ASCENDING), ("due_at", ASCENDING)], name="due"),
        IndexModel([("incident_ids", ASCENDING)], name="incident"),
        IndexModel(
            [("workspace_id", ASCENDING), ("kind", ASCENDING), ("status", ASCENDING)],
            name="digest",
        ),
        IndexModel([("created_at", ASCENDING)], name="age"),
    ],
    SYNCS: [IndexModel([("hold.connection_id", ASCENDING)], name="held_by", sparse=True)],
}


def expiries(*, incidents_days: int, news_days: int) -> Indexes:
    """Return what has closed incidents expire, and news of catch-ups and of deleted syncs.

    The mails of an incident follow it: `incidents.retention`.
    """
    return {
        INCIDENTS: [expiry("closed_at", incidents_days)],
        RUNS: [expiry("received_at", news_days)],
        SYNCS: [expiry("deleted_at", outlasting_dead_letters(news_days))],
    }
