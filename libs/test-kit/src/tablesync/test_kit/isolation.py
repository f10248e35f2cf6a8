"""Keeps tests apart in the Kafka and the MongoDB that all share: names of their own, taken away."""

import secrets
from typing import Any

from confluent_kafka.admin import AdminClient
from pymongo import MongoClient


def unique_prefix(separator: str) -> str:
    """Return what a topic or a database of one test opens with, such as `t3f9a-`."""
    return f"t{secrets.token_hex(4)}{separator}"


def drop_topics(bootstrap: str, prefix: str) -> None:
    """Delete the topics whose names open with the prefix."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    topics = [each for each in admin.list_topics(timeout=10).topics if each.startswith(prefix)]
    if topics:
        for done in admin.delete_topics(topics, operation_timeout=10).values():
            done.result()


def drop_databases(uri: str, prefix: str) -> None:
    """Drop the databases whose names open with the prefix."""
    with MongoClient[dict[str, Any]](uri) as client:
        for name in client.list_database_names():
            if name.startswith(prefix):
                client.drop_database(name)
