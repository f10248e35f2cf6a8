"""Budgets as they are stored: a row for each limit, by MongoDB's clock, written without a journal.

They are hot, so they are never touched inside a transaction.
"""

from typing import ClassVar
from uuid import uuid4

from pymongo import IndexModel, ReturnDocument
from tablesync.service_kit import clock
from tablesync.service_kit.mongo import Collection, Document
from tablesync.service_kit.mongo.indexes import Indexes

COLLECTION = "budgets"
# Longer than any freeze. By the hour, since what changes with each call costs an index each time.
KEEP_SECONDS = 24 * 3600
INDEXES: Indexes = {
    COLLECTION: [IndexModel([("used_at", 1)], name="expiry", expireAfterSeconds=KEEP_SECONDS)]
}
THIS_HOUR = {"$dateTrunc": {"date": "$$NOW", "unit": "hour"}}
# Unix milliseconds, as a double: a place is a fraction of one.
NOW = {"$toDouble": {"$toLong": "$$NOW"}}
# Longer than any freeze, than any call is held for, and than all processes reserve ahead: what lies
# beyond was never said by a clock that is right, and would stop an account until then.
FURTHEST_SECONDS = 120.0
FURTHEST = {"$add": [NOW, FURTHEST_SECONDS * 1000]}
# When the first place can be had.
NEXT = {"$min": [{"$ifNull": ["$next", 0]}, FURTHEST]}
# Longer than any request: whoever died with something no longer has it.
HELD_SECONDS = 60.0
HELD_UNTIL = {"$add": [NOW, HELD_SECONDS * 1000]}
# Of `$$this` who holds something: whether he still does.
IS_HELD = {"$and": [{"$gt": ["$$this.until", NOW]}, {"$lte": ["$$this.until", FURTHEST]}]}


class Holder:
    """Who holds something in a row while a call is under way, from when it was had."""

    ends_by_itself: ClassVar[bool] = False

    def __init__(self) -> None:
        self.id = uuid4().hex
        self.good_until = 0.0

    def begin(self) -> None:
        """Have it from now on: a request that begins in half that time has it to its end."""
        self.good_until = clock.seconds() + HELD_SECONDS / 2


class Row:
    """One limit as all processes see it."""

    def __init__(self, collection: Collection, name: str) -> None:
        self._collection = collection
        self._name = name

    async def change(self, *stages: Document) -> Document:
        """Change the row in stages, each of which sees what those before it have set; return it."""
        row: Document = await self._collection.find_one_and_update(
            {"_id": self._name},
            [{"$set": {**each, "used_at": THIS_HOUR}} for each in stages],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return row

    async def freeze(self, seconds: float) -> None:
        """Let nobody have a place for this long: `next` is when the first one can be."""
        until = {"$add": [NOW, seconds * 1000]}
        await self.change({"next": {"$max": [{"$ifNull": ["$next", 0]}, until]}})

    async def remove(self, change: Document) -> None:
        """Take something out of the row, if it is there."""
        await self._collection.update_one({"_id": self._name}, {"$pull": change})
