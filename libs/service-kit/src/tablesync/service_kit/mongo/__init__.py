"""MongoDB: the client and its types, units of work, leases and indexes."""

from tablesync.service_kit.mongo.client import (
    CODEC,
    DURABLE,
    LARGEST_INTEGER,
    MAJORITY,
    SNAPSHOT,
    Client,
    Collection,
    Database,
    Document,
    Session,
    connect,
    database_now,
    open_database,
    within,
    without_limit,
)
from tablesync.service_kit.mongo.expressions import from_now
from tablesync.service_kit.mongo.failures import (
    is_conflict,
    is_late,
    is_refused_document,
    is_unavailable,
)
from tablesync.service_kit.mongo.probes import (
    answers,
    is_held,
    takes_writes,
    takes_writes_everywhere,
)

__all__ = [
    "CODEC",
    "DURABLE",
    "LARGEST_INTEGER",
    "MAJORITY",
    "SNAPSHOT",
    "Client",
    "Collection",
    "Database",
    "Document",
    "Session",
    "answers",
    "connect",
    "database_now",
    "from_now",
    "is_conflict",
    "is_held",
    "is_late",
    "is_refused_document",
    "is_unavailable",
    "open_database",
    "takes_writes",
    "takes_writes_everywhere",
    "within",
    "without_limit",
]
