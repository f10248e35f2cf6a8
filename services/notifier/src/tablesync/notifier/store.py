"""The notifier's collections and their indexes."""

from datetime import timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel
from tablesync.service_kit.http import idempotency
from tablesync.service_kit.messaging import inbox
from tablesync.service_kit.mongo import Database

CONNECTIONS = "connections"
SYNCS = "syncs"
RUNS = "runs"
INCIDENTS = "incidents"
MAILS = "mails"
PREFERENCES = "preferences"

# Topics keep 7 days; what a replay could ask about outlives them by 7 more.
KEEP_RUNS = timedelta(days=14)


async def ensure_indexes(database: Database) -> None:
    """Create every index; safe to repeat."""
    await inbox.ensure_indexes(database)
    await idempotency.ensure_indexes(database)
    await database[INCIDENTS].create_indexes(
        [
            IndexModel([("key", ASCENDING)], name="key", unique=True),
            IndexModel(
                [("open_key", ASCENDING)],
                name="one_open",
                unique=True,
                partialFilterExpression={"open_key": {"$exists": True}},
            ),
            IndexModel([("workspace_id", ASCENDING), ("opened_at", DESCENDING)], name="newest"),
            IndexModel([("sync_id", ASCENDING), ("status", ASCENDING)], name="sync", sparse=True),
        ]
    )
    await database[MAILS].create_indexes(
        [
            IndexModel([("status", ASCENDING), ("due_at", ASCENDING)], name="due"),
            IndexModel([("incident_ids", ASCENDING)], name="incident"),
            IndexModel(
                [("workspace_id", ASCENDING), ("kind", ASCENDING), ("status", ASCENDING)],
                name="digest",
            ),
        ]
    )
    await database[SYNCS].create_indexes(
        [IndexModel([("hold.connection_id", ASCENDING)], name="held_by", sparse=True)]
    )
    await database[RUNS].create_indexes(
        [
            IndexModel(
                [("received_at", ASCENDING)],
                name="expiry",
                expireAfterSeconds=int(KEEP_RUNS.total_seconds()),
            )
        ]
    )
