"""Leases (distributed locks): one owner at a time, by the database's clock.

The fence (fencing token) grows with each owner, so that a write of an earlier one can be refused.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

import structlog
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError
from tablesync.service_kit import clock
from tablesync.service_kit.mongo import Collection, Database, Document, from_now, within

Renew = Callable[["Lease"], Awaitable[object]]

log = structlog.get_logger()
COLLECTION = "leases"
RELEASE_SECONDS = 2.0
LOOK_SECONDS = 0.5
# Of a lease's time: when it is renewed, how long that may take, and when it is tried again.
RENEW_SHARE = 1 / 3
TRY_SHARE = 1 / 4
AGAIN_SHARE = 1 / 12


@dataclass
class Lease:
    """A right held until `remaining()` is zero on the clock of `clock.seconds()`."""

    name: str
    owner: str
    fence: int
    ttl_seconds: float
    taken_at: float
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def remaining(self) -> float:
        """Return the seconds that are surely left: counted from before the database was asked."""
        if self.lost.is_set():
            return 0.0
        return max(0.0, self.taken_at + self.ttl_seconds - clock.seconds())


class Leases:
    """The leases of one service."""

    def __init__(self, database: Database) -> None:
        self._collection: Collection = database[COLLECTION]

    async def acquire(self, name: str, ttl_seconds: float) -> Lease | None:
        """Take a free or lapsed lease; None while somebody else holds it."""
        asked_at = clock.seconds()
        owner = uuid4().hex
        try:
            row = await self._collection.find_one_and_update(
                {"_id": name},
                [{"$set": _taken_if_free(owner, ttl_seconds)}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            return None
        if row["owner"] != owner:
            return None
        return Lease(name, owner, row["fence"], ttl_seconds, asked_at)

    async def renew(self, lease: Lease) -> bool:
        """Extend the lease by its full time; False, and `lost` set, if another has it."""
        asked_at = clock.seconds()
        result = await self._collection.update_one(
            {"_id": lease.name, "owner": lease.owner, "fence": lease.fence},
            [{"$set": {"expires_at": from_now(lease.ttl_seconds)}}],
        )
        if result.matched_count:
            lease.taken_at = asked_at
        else:
            lease.lost.set()
        return bool(result.matched_count)

    async def release(self, lease: Lease) -> None:
        """Hand the lease back, if it is still ours; the fence stays."""
        await self._collection.update_one(
            {"_id": lease.name, "owner": lease.owner, "fence": lease.fence},
            [{"$set": {"expires_at": "$$NOW"}}],
        )
        lease.lost.set()

    @asynccontextmanager
    async def kept(self, lease: Lease) -> AsyncIterator[Lease]:
        """Renew the lease in the background while the block runs, then release it."""
        keeper = asyncio.create_task(keep(lease, self.renew))
        try:
            yield lease
        finally:
            keeper.cancel()
            try:
                await asyncio.wait([keeper])  # unlike the keeper itself, it tells our own end
            finally:
                with suppress(PyMongoError, TimeoutError):
                    async with asyncio.timeout(RELEASE_SECONDS):
                        await self.release(lease)


async def keep(lease: Lease, renew: Renew, every_seconds: float = math.inf) -> None:
    """Renew a lease until it is lost, and notice that at once, however long a renewal hangs.

    It is renewed when a third of its time is over, or more often where `every_seconds` says so.
    """
    every = min(every_seconds, lease.ttl_seconds * RENEW_SHARE)
    renewing = asyncio.create_task(_renew_for_ever(lease, renew, every))
    try:
        while lease.remaining() > 0:
            # In short steps: unlike the lease's clock, timers stand still while the machine sleeps.
            with suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_SECONDS, lease.remaining())):
                    await lease.lost.wait()
    finally:
        renewing.cancel()
    lease.lost.set()


async def _renew_for_ever(lease: Lease, renew: Renew, every: float) -> None:
    wait = every
    while True:
        await asyncio.sleep(wait)
        renewed = await _renews(lease, renew)
        wait = every if renewed else min(every, lease.ttl_seconds * AGAIN_SHARE)


async def _renews(lease: Lease, renew: Renew) -> bool:
    """Whether a lease was renewed in time; one that hangs leaves time for another try."""
    seconds = lease.ttl_seconds * TRY_SHARE
    try:
        with within(seconds):
            async with asyncio.timeout(seconds):
                await renew(lease)
    except Exception as error:  # an unforeseen one, too: the next try may succeed
        log.warning("lease not renewed", lease=lease.name, error=repr(error))
        return False
    return True


def _taken_if_free(owner: str, ttl_seconds: float) -> Document:
    """Change nothing while another owner holds it; `$expr` is not allowed in an upsert's query."""
    taken = {
        "owner": owner,
        "fence": {"$add": [{"$ifNull": ["$fence", 0]}, 1]},
        "expires_at": from_now(ttl_seconds),
    }
    # A missing date sorts before every date, so a new lease is free.
    free = {"$lte": ["$expires_at", "$$NOW"]}
    return {name: {"$cond": [free, value, f"${name}"]} for name, value in taken.items()}
