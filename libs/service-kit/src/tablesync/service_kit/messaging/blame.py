"""Whose fault it is that a message cannot be handled: it is parked for its own alone.

away         MongoDB, Kafka or a peer; a full disk, a lost role, a collection that somebody has
             locked: nobody's, it is kept for ever
suspended    we stood still meanwhile: nobody's, it is kept
refused      what it would store, or its handler has a bug: its own, at the fifth time
doubtful     it takes too long, conflicts to the end, or fails for a reason that nobody knows: its
             own, at the second time between two writes that succeed, in every collection
held         it conflicts with what a killed process has locked: nobody's, it is kept
"""

from pymongo.errors import PyMongoError
from tablesync.service_kit import mongo
from tablesync.service_kit.clock import AwakeTime, Deadline
from tablesync.service_kit.errors import is_unavailable
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import ConflictsError

FAULTS = 5
# No attempt begins later, so that a message that fails slowly is parked within 30 s as well.
FAULTS_SECONDS = 18.0
STRIKES = 2


class Blame:
    """What one message's failed attempts have shown so far."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._deadline = Deadline(FAULTS_SECONDS)
        self._wrote = False
        self._faults = self._strikes = 0

    async def falls_on_message(self, error: Exception, awake: AwakeTime) -> bool:
        """Whether the message is to be parked, after an attempt that failed with this error.

        Raises the error where something else may be to blame: then the message is kept.
        """
        if _is_doubtful(error):
            return await self._strike(error, awake)
        if is_unavailable(error):
            raise error
        self._faults += 1
        return self._faults == FAULTS or self._deadline.passed()

    async def _strike(self, error: Exception, awake: AwakeTime) -> bool:
        """Count an attempt against the message if MongoDB took writes before it and after it."""
        wrote_before, self._wrote = self._wrote, await self._takes_writes()
        if awake.was_suspended or not self._wrote or await self._is_held_up(error):
            raise error
        self._strikes += wrote_before
        return self._strikes == STRIKES

    async def _takes_writes(self) -> bool:
        return await mongo.takes_writes_everywhere(self._database)

    async def _is_held_up(self, error: Exception) -> bool:
        return isinstance(error, ConflictsError) and await mongo.is_held(self._database)


def _is_doubtful(error: Exception) -> bool:
    """Whether it may be the message's fault as well as MongoDB's."""
    if isinstance(error, TimeoutError | ConflictsError) or mongo.is_late(error):
        return True
    known = mongo.is_unavailable(error) or mongo.is_refused_document(error)
    return isinstance(error, PyMongoError) and not known
