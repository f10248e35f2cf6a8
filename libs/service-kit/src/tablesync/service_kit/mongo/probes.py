"""What MongoDB shows when it is tried: whether it answers, takes writes, or is locked."""

import asyncio
from collections.abc import Awaitable

from pymongo.errors import PyMongoError
from tablesync.service_kit.mongo.client import Collection, Database, within
from tablesync.service_kit.mongo.failures import is_late

PROBES = "write_probes"
IDLE_MICROSECONDS = 1_000_000


async def answers(database: Database, seconds: float = 3.0) -> bool:
    """Whether MongoDB lets us read in time; a ping it answers to whoever has no account."""
    with within(seconds):
        return await _succeeds(database[PROBES].find_one({"_id": "probe"}, {"_id": 1}), seconds)


async def takes_writes(database: Database, seconds: float = 2.0) -> bool:
    """Whether a majority takes a small write in time; a ping is answered even by a locked disk."""
    with within(seconds):
        write = database[PROBES].update_one(
            {"_id": "probe"}, [{"$set": {"at": "$$NOW"}}], upsert=True
        )
        return await _succeeds(write, seconds)


async def takes_writes_everywhere(database: Database, seconds: float = 2.0) -> bool:
    """Whether it does so in every collection: a check or an index build locks one alone."""
    if not await takes_writes(database, seconds):
        return False
    with within(seconds):
        own = {"name": {"$not": {"$regex": r"^system\."}}}
        names = await database.list_collection_names(filter=own)
        return not any(await asyncio.gather(*(_is_locked(database[each]) for each in names)))


async def is_held(database: Database) -> bool:
    """Whether a transaction of our account is open that nobody goes on with.

    A killed process leaves its own so, with all that it has locked, for up to a minute.
    """
    look = {"$currentOp": {"allUsers": False, "idleSessions": True}}
    idle = {"$match": {"transaction.timeInactiveMicros": {"$gte": IDLE_MICROSECONDS}}}
    found = await database.client.admin.aggregate([look, idle, {"$limit": 1}]).to_list(None)
    return bool(found)


async def _is_locked(collection: Collection) -> bool:
    """Whether a write that changes nothing has to wait for another's lock."""
    try:
        await collection.update_one({"_id": "probe"}, {"$unset": {"probe": ""}})
    except PyMongoError as error:
        return is_late(error)
    return False


async def _succeeds(operation: Awaitable[object], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await operation
    except (PyMongoError, TimeoutError):
        return False
    return True
