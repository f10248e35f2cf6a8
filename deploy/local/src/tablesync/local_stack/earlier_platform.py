"""What an earlier platform left in a Kafka or a MongoDB that is not the stack's own.

Its own the stack empties, when it starts anew. What was given belongs to somebody and is not
touched; but a platform that goes on from there trusts connections, cursors and record states
whose sandbox is gone, and would say that all is well.
"""

from collections.abc import Iterator
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from tablesync.contracts import TOPICS
from tablesync.local_stack.plan import Given

DATABASES = ("auth", "scheduler", "runner", "notifier")
ANSWER_SECONDS = 10


def refuse(given: Given) -> None:
    """Refuse to start anew on what was given, if an earlier platform left something there.

    Raises:
        ValueError: it names what is there and the remedy.

    """
    if given.mongodb_uri:
        left = _databases(given.mongodb_uri, given.database_prefix)
        _refuse_any("MongoDB has the databases", left, "MONGODB_DATABASE_PREFIX")
    if given.kafka_bootstrap:
        left = _topics(given.kafka_bootstrap, given.topic_prefix)
        _refuse_any("Kafka has the topics", left, "KAFKA_TOPIC_PREFIX")


def _refuse_any(where: str, names: list[str], setting: str) -> None:
    if names:
        raise ValueError(
            f"{where} {', '.join(names)} of an earlier platform, whose sandbox is gone; "
            f"delete them, or set {setting} to one that is not in use"
        )


def _databases(uri: str, prefix: str) -> list[str]:
    try:
        with MongoClient[dict[str, Any]](
            uri, serverSelectionTimeoutMS=ANSWER_SECONDS * 1000
        ) as client:
            there = client.list_database_names()
    except (PyMongoError, ValueError) as error:  # pymongo knows two ways to refuse an address
        raise ValueError(f"MONGODB_URI: {error}") from None
    return sorted({f"{prefix}{each}" for each in DATABASES}.intersection(there))


def _topics(bootstrap: str, prefix: str) -> list[str]:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        there = admin.list_topics(timeout=ANSWER_SECONDS).topics
    except KafkaException as error:
        raise ValueError(f"KAFKA_BOOTSTRAP_SERVERS: {error}") from None
    return sorted({f"{prefix}{each}" for each in _all_topics()}.intersection(there))


def _all_topics() -> Iterator[str]:
    """Name every topic, and the dead letters of each of its consumers."""
    for topic in TOPICS.values():
        yield topic.name
        yield from (topic.dead_letters_of(each) for each in topic.consumers)
