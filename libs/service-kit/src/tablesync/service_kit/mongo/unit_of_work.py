"""Unit of work: a request or message is one transaction, its events and its inbox row included.

Two that touch the same document conflict, and the later one is run again (optimistic concurrency).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from pymongo import ReadPreference
from pymongo.errors import PyMongoError
from tablesync.contracts import Envelope, Event
from tablesync.service_kit.backoff import Backoff
from tablesync.service_kit.clock import Deadline, unix_milliseconds
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.service_kit.messaging.outbox import insert_rows
from tablesync.service_kit.mongo import (
    DURABLE,
    SNAPSHOT,
    Database,
    Session,
    database_now,
    is_conflict,
    is_late,
    within,
)
from tablesync.service_kit.mongo.seen_through import seen_through
from tablesync.service_kit.telemetry import current_traceparent

T = TypeVar("T")

UNIT_SECONDS = 10.0
# A limit of nothing would be none.
LEAST_SECONDS = 0.001
ABORT_SECONDS = 2.0
MAY_BE_REPEATED = "TransientTransactionError"
FIRST_WAIT_SECONDS = 0.005
LAST_WAIT_SECONDS = 0.5


class ConflictsError(DependencyUnavailableError):
    """Others kept the documents that a unit of work writes: a request may come again, and find
    them free.
    """

    def __init__(self) -> None:
        super().__init__("mongodb")


class UnitOfWork:
    """An open transaction: pass `session` to every read and write, `publish` every event."""

    def __init__(
        self,
        database: Database,
        session: Session,
        now: datetime,
        source: str,
    ) -> None:
        self.database = database
        self.session = session
        self.now = now
        self._source = source
        self._pending: list[Envelope[Event]] = []

    @property
    def now_ms(self) -> int:
        """The database's clock in unix milliseconds, for state sequences."""
        return unix_milliseconds(self.now)

    def publish(self, *events: Event) -> None:
        """Store events in the outbox when the transaction commits."""
        traceparent = current_traceparent()
        self._pending += [
            Envelope(event, self._source, time=self.now, traceparent=traceparent)
            for event in events
        ]

    async def flush(self) -> None:
        """Write the outbox rows; called once, right before the commit."""
        await insert_rows(self.database, self._pending, self.now_ms, self.session)


class UnitsOfWork:
    """Runs work in transactions, again whenever MongoDB says that it may be repeated."""

    def __init__(self, database: Database, source: str) -> None:
        self.database = database
        self._source = source
        self._idle: list[Session] = []

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[Session]:
        """Lend a session; one that saw an error may still be at work in its thread, and ends."""
        session = self._idle.pop() if self._idle else await self.database.client.start_session()
        try:
            yield session
        except BaseException:
            await session.end_session()
            raise
        self._idle.append(session)

    async def run(
        self, work: Callable[[UnitOfWork], Awaitable[T]], seconds: float = UNIT_SECONDS
    ) -> T:
        """Run `work` in one transaction; it may be called several times, so it has no effects
        but on the database.

        Raises ConflictsError if conflicts take all the seconds: MongoDB keeps what a
        killed process has locked for up to a minute. Where a collection is locked as a whole, or
        the server ends whatever is begun, it is a DependencyUnavailableError.
        """
        deadline, waits = Deadline(seconds), _waits()
        conflict: PyMongoError | None = None
        with within(seconds):
            now = await database_now(self.database)
        async with self._session() as session:
            while True:
                await asyncio.sleep(next(waits))
                unit = UnitOfWork(self.database, session, now, self._source)
                try:
                    return await _attempt(unit, work, deadline.remaining())
                except PyMongoError as error:
                    if conflict and is_late(error):
                        raise _kept_off(conflict) from conflict
                    if is_late(error) or not error.has_error_label(MAY_BE_REPEATED):
                        raise
                    conflict = error
                if deadline.passed():
                    raise _kept_off(conflict) from conflict


async def _attempt(
    unit: UnitOfWork, work: Callable[[UnitOfWork], Awaitable[T]], seconds: float
) -> T:
    """Run `work` in a transaction of its own, which has ended when this returns or raises."""
    session = unit.session
    session.start_transaction(
        read_concern=SNAPSHOT, write_concern=DURABLE, read_preference=ReadPreference.PRIMARY
    )
    try:
        with within(max(seconds, LEAST_SECONDS)):
            result = await work(unit)
            await unit.flush()
            await _commit(session)
    except BaseException:
        await _abort(session)
        raise
    return result


def _kept_off(last: PyMongoError) -> DependencyUnavailableError:
    """Say what all the attempts met, by the last of them."""
    return ConflictsError() if is_conflict(last) else DependencyUnavailableError("mongodb")


def _waits() -> Iterator[float]:
    """Yield the wait before each attempt but the first: the driver repeats without a pause."""
    yield 0.0
    backoff = Backoff(FIRST_WAIT_SECONDS, LAST_WAIT_SECONDS)
    while True:
        yield backoff.next()


async def _commit(session: Session) -> None:
    """Commit to the end even if cancelled: what is being committed can no longer be aborted."""
    await seen_through(session.commit_transaction())


async def _abort(session: Session) -> None:
    """Let go of what is locked, with time of its own: that of the work may be over."""
    if session.in_transaction:  # type: ignore[truthy-function]  # a property; its stub errs
        with within(ABORT_SECONDS):
            await seen_through(session.abort_transaction())
