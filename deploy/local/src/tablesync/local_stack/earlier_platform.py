"""What an earlier platform left in a Kafka or a MongoDB that is not the stack's own.

Its own the stack empties, when it starts anew. What was given belongs to somebody and is not
touched; but a platform that goes on from there trusts connections, cursors and record states
whose sandbox is gone, and would say that all is well.
"""

from collections.abc import Iterator
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from tablesync.contracts import TOPICS
from tablesync.local_stack.plan import Given

OF_SERVICES = ("auth", "scheduler", "runner", "notifier")
DATABASES = (*OF_SERVICES, "demo")
ANSWER_SECONDS = 10
NO_ANSWER = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN)


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
            there = _names(client)
    except (PyMongoError, ValueError) as error:  # pymongo knows two ways to refuse an address
        raise ValueError(f"MONGODB_URI: {error}") from None
    return sorted({f"{prefix}{each}" for each in DATABASES}.intersection(there))


def _names(client: MongoClient[dict[str, Any]]) -> list[str]:
    """Return what databases there are; raises ValueError that says where, never the password."""
    try:
        return client.list_database_names()
    except ConnectionFailure:
        servers = sorted(client.topology_description.server_descriptions())
        where = ", ".join(f"{host}:{port}" for host, port in servers)
        raise ValueError(_away("MongoDB", where, "MONGODB_URI")) from None
    except OperationFailure as error:
        raise ValueError((error.details or {}).get("errmsg", "MongoDB refuses")) from None


def _topics(bootstrap: str, prefix: str) -> list[str]:
    try:
        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        there = admin.list_topics(timeout=ANSWER_SECONDS).topics
    except KafkaException as error:
        away = _away("Kafka", bootstrap, "KAFKA_BOOTSTRAP_SERVERS")
        why = away if error.args[0].code() in NO_ANSWER else error.args[0].str()
        raise ValueError(f"KAFKA_BOOTSTRAP_SERVERS: {why}") from None
    return sorted({f"{prefix}{each}" for each in _all_topics()}.intersection(there))


def _away(what: str, where: str, setting: str) -> str:
    return (
        f"no {what} answers at {where}; start it, correct {setting}, or unset it, "
        f"and `make up` starts a {what} of its own"
    )


def _all_topics() -> Iterator[str]:
    """Name every topic, and the dead letters of each of its consumers."""
    for topic in TOPICS.values():
        yield topic.name
        yield from (topic.dead_letters_of(each) for each in topic.consumers)
