"""The MongoDB client, with the concerns that keep what was acknowledged."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bson.codec_options import CodecOptions, DatetimeConversion
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import ReadPreference, WriteConcern, timeout
from pymongo.database import Database as BlockingDatabase
from pymongo.read_concern import ReadConcern

Document = dict[str, Any]

# The driver's types, named here alone: another driver with the same methods changes one file.
Client: TypeAlias = AsyncIOMotorClient[Document]
Database: TypeAlias = AsyncIOMotorDatabase[Document]
Collection: TypeAlias = AsyncIOMotorCollection[Document]
Session: TypeAlias = AsyncIOMotorClientSession

SNAPSHOT = ReadConcern("snapshot")
MAJORITY = ReadConcern("majority")
# A moment beyond Python's years is no `datetime`: it spoils its own document, not a whole batch.
CODEC: CodecOptions[Document] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
DURABLE = WriteConcern(w="majority", j=True)

# How long an operation may take in all. Nothing that waits for one can be stopped before it: the
# driver's threads know no cancellation.
OPERATION_SECONDS = 10.0
# The largest whole number that MongoDB knows: a larger one is refused before it is asked.
LARGEST_INTEGER = 2**63 - 1


def connect(uri: str, operation_seconds: float = OPERATION_SECONDS) -> Client:
    """Make a client; it connects when first used, and again whenever it has to."""
    milliseconds = round(operation_seconds * 1000)
    return AsyncIOMotorClient(
        uri,
        tz_aware=CODEC.tz_aware,
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=5_000,
        timeoutMS=milliseconds,
        socketTimeoutMS=milliseconds,  # what closes a cursor heeds this alone
        retryWrites=True,
        uuidRepresentation="standard",
    )


def open_database(client: Client, name: str) -> Database:
    """Open a database with majority reads and journalled majority writes."""
    return client.get_database(
        name,
        codec_options=CODEC,
        read_preference=ReadPreference.PRIMARY,
        read_concern=MAJORITY,
        write_concern=DURABLE,
    )


def within(seconds: float) -> AbstractContextManager[None]:
    """Bound all operations of a block together, in place of each alone."""
    return timeout(seconds)


def without_limit() -> AbstractContextManager[None]:
    """Give the server no limit for a block's operations: one that is long goes on without us."""
    return timeout(0)


def blocking(database: Database) -> BlockingDatabase[Document]:
    """Return the database for a thread of its own, where each call waits for its answer."""
    found: BlockingDatabase[Document] = database.delegate
    return found


def authenticate_anew(database: Database) -> None:
    """Have every connection made again: the driver keeps those that belong to nobody any more.

    An account that was dropped and made again is another one to the server. May be called in any
    thread.
    """
    for server in database.client.delegate._topology._servers.values():
        server.pool.reset_without_pause()


async def database_now(database: Database) -> datetime:
    """Return the time by the database's clock, which alone counts between processes.

    Aware, UTC, in milliseconds.
    """
    moment: datetime = (await database.command("hello"))["localTime"]
    return moment.astimezone(UTC)
