"""The MongoDB client, with the concerns that keep what was acknowledged."""

import asyncio
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bson.codec_options import CodecOptions
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    NotPrimaryError,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern

Document = dict[str, Any]

# The driver's types, named here alone: another driver with the same methods changes one file.
Client: TypeAlias = AsyncIOMotorClient[Document]
Database: TypeAlias = AsyncIOMotorDatabase[Document]
Collection: TypeAlias = AsyncIOMotorCollection[Document]
Session: TypeAlias = AsyncIOMotorClientSession

SNAPSHOT = ReadConcern("snapshot")
MAJORITY = ReadConcern("majority")
DURABLE = WriteConcern(w="majority", j=True, wtimeout=10_000)

# MongoDB is away or not itself: whatever failed may be tried again later.
UNAVAILABLE = (ConnectionFailure, NotPrimaryError, ExecutionTimeout, WTimeoutError)


def connect(uri: str) -> Client:
    """Make a client; it connects when first used, and again whenever it has to."""
    return AsyncIOMotorClient(
        uri,
        tz_aware=True,
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=5_000,
        socketTimeoutMS=60_000,
        retryWrites=True,
        uuidRepresentation="standard",
    )


def open_database(client: Client, name: str) -> Database:
    """Open a database with majority reads and journalled majority writes."""
    return client.get_database(
        name,
        codec_options=CodecOptions(tz_aware=True),
        read_preference=ReadPreference.PRIMARY,
        read_concern=MAJORITY,
        write_concern=DURABLE,
    )


async def answers(database: Database, seconds: float = 3.0) -> bool:
    """Whether MongoDB answers a ping in time."""
    try:
        async with asyncio.timeout(seconds):
            await database.command("ping")
    except (PyMongoError, TimeoutError):
        return False
    return True


async def database_now(database: Database) -> datetime:
    """Return the time by the database's clock, which alone counts between processes.

    Aware, UTC, in milliseconds.
    """
    moment: datetime = (await database.command("hello"))["localTime"]
    return moment.astimezone(UTC)


def is_unavailable(error: BaseException) -> bool:
    """Whether MongoDB was away, rather than the request wrong."""
    if isinstance(error, UNAVAILABLE):
        return True
    return isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError")
