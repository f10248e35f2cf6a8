"""The notifier's collections and their indexes."""

from datetime import timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel
from tablesync.service_kit.mongo.indexes import Indexes

CONNECTIONS = "connections"
SYNCS = "syncs"
RUNS = "runs"
INCIDENTS = "incidents"
MAILS = "mails"
PREFERENCES = "preferences"

# Topics keep 7 days; what a replay could ask about outlives them by 7 more.
KEEP_RUNS = timedelta(days=14)

INDEXES: Indexes = {
    INCIDENTS: [
        IndexModel([("key", ASCENDING)], name="key", unique=True),
        IndexModel(
            [("open_key", ASCENDING)],
            name="one_open",
            unique=True,
            partialFilterExpression={"open_key": {"$exists": True}},
        ),
        IndexModel([("workspace_id", ASCENDING), ("opened_at", DESCENDING)], name="newest"),
        IndexModel([("sync_id", ASCENDING), ("status", ASCENDING)], name="sync", sparse=True),
    ],
    MAILS: [
        IndexModel([("status", ASCENDING), ("due_at", ASCENDING)], name="due"),
        IndexModel([("incident_ids", ASCENDING)], name="incident"),
        IndexModel(
            [("workspace_id", ASCENDING), ("kind", ASCENDING), ("status", ASCENDING)],
            name="digest",
        ),
    ],
    SYNCS: [IndexModel([("hold.connection_id", ASCENDING)], name="held_by", sparse=True)],
    RUNS: [
        IndexModel(
            [("received_at", ASCENDING)],
            name="expiry",
            expireAfterSeconds=int(KEEP_RUNS.total_seconds()),
        )
    ],
}
