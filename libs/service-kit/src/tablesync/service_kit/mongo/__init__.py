"""MongoDB: the client and its types, units of work, leases and indexes."""

from tablesync.service_kit.mongo.client import (
    DURABLE,
    MAJORITY,
    SNAPSHOT,
    UNAVAILABLE,
    Client,
    Collection,
    Database,
    Document,
    Session,
    answers,
    connect,
    database_now,
    is_unavailable,
    open_database,
)
from tablesync.service_kit.mongo.expressions import from_now

__all__ = [
    "DURABLE",
    "MAJORITY",
    "SNAPSHOT",
    "UNAVAILABLE",
    "Client",
    "Collection",
    "Database",
    "Document",
    "Session",
    "answers",
    "connect",
    "database_now",
    "from_now",
    "is_unavailable",
    "open_database",
]
