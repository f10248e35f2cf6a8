"""Takes away what one test left in the Kafka and the MongoDB that all share."""

from typing import Any

from confluent_kafka.admin import AdminClient
from pymongo import MongoClient


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
