"""Keeps tests apart in the Kafka and the MongoDB that all share: names of their own, taken away.

What a run leaves that was killed before it could take its own away, the next one removes.
"""

import fcntl
import secrets
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient
from pymongo import MongoClient
from pymongo.database import Database

PROFILE = "system.profile"


def unique_prefix(separator: str) -> str:
    """Return what a topic or a database of one test opens with, such as `t3f9a-`."""
    return f"t{secrets.token_hex(4)}{separator}"


def drop_topics(bootstrap: str, prefix: str) -> None:
    """Delete the topics whose names open with the prefix."""
    admin = _admin(bootstrap)
    topics = [each for each in admin.list_topics(timeout=60).topics if each.startswith(prefix)]
    if topics:
        for done in admin.delete_topics(topics, operation_timeout=60).values():
            done.result()


@cache
def _admin(bootstrap: str) -> AdminClient:
    """Make a client for all tests: a new one takes twenty times as long to answer."""
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})


def drop_databases(uri: str, prefix: str) -> None:
    """Drop the databases whose names open with the prefix."""
    with MongoClient[dict[str, Any]](uri) as client:
        for name in client.list_database_names():
            if name.startswith(prefix):
                client.drop_database(name)


def empty_databases(uri: str, prefix: str) -> None:
    """Delete all that the databases hold whose names open with the prefix.

    Collections and indexes stay: to make those of one service takes MongoDB a fifth of a second of
    a core.
    """
    client = _mongodb(uri)
    for name in client.list_database_names():
        if name.startswith(prefix):
            _empty(client[name])


@cache
def _mongodb(uri: str) -> MongoClient[dict[str, Any]]:
    """Make a client for all tests: a new one makes three connections."""
    return MongoClient(uri)


def _empty(database: Database[dict[str, Any]]) -> None:
    for name in database.list_collection_names():
        if name == PROFILE:  # what MongoDB writes itself can only be dropped
            database.command({"profile": 0})
            database.drop_collection(name)
        else:
            database[name].delete_many({})


def remove_stale_test_stacks(root: Path) -> None:
    """Remove every test stack's folder whose supervisord runs no more."""
    for lock in (root / ".local").glob("test-*/lock"):
        if not _in_use(lock):
            shutil.rmtree(lock.parent, ignore_errors=True)


def _in_use(lock: Path) -> bool:
    """Whether a running supervisord holds this lock, or somebody is about to sign it."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return not file.read()
    except BlockingIOError:
        return True
    except FileNotFoundError:  # its own run has just removed it
        return False
