"""The inbox (idempotent consumer): a message's id, stored with its effect, so that it has one."""

from pymongo.errors import DuplicateKeyError
from tablesync.service_kit.mongo import Database, Session
from tablesync.service_kit.mongo.indexes import Indexes, expiry
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

COLLECTION = "inbox"


def expiries(days: int) -> Indexes:
    """Return what has a row expire, so long after its message came."""
    return {COLLECTION: [expiry("received_at", days)]}


class AlreadyHandledError(Exception):
    """This message has had its effect."""


async def refuse_repeats(unit: UnitOfWork, topic: str, event_id: str) -> None:
    """Come here before the effect; raises AlreadyHandledError the second time."""
    if await has(unit.database, topic, event_id, unit.session):
        raise AlreadyHandledError(event_id)


async def has(
    database: Database, topic: str, event_id: str, session: Session | None = None
) -> bool:
    """Whether a message has had its effect."""
    query = {"_id": _id(topic, event_id)}
    return await database[COLLECTION].find_one(query, {"_id": 1}, session=session) is not None


async def record(unit: UnitOfWork, topic: str, event_id: str) -> None:
    """Store that this message was handled; raises AlreadyHandledError the second time.

    It comes last: a process that is killed in mid-effect leaves the row unlocked.
    """
    row = {"_id": _id(topic, event_id), "received_at": unit.now}
    try:
        await unit.database[COLLECTION].insert_one(row, session=unit.session)
    except DuplicateKeyError as error:
        raise AlreadyHandledError(event_id) from error


def _id(topic: str, event_id: str) -> str:
    return f"{topic}/{event_id}"
