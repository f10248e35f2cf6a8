"""Changes: one change stream wakes every loop of a process that waits for what is stored.

It runs in a thread of its own, since it mostly waits: none of the driver's is kept from others by
it, and ten thousand changes at once cost the event loop nothing. Whoever is woken by it polls as
well, slowly: a stream that breaks may cost time, never a change.
"""

import asyncio
import threading
from collections import defaultdict
from contextvars import copy_context

import structlog
from pymongo import ASCENDING
from tablesync.service_kit.mongo.client import (
    Collection,
    Database,
    Document,
    authenticate_anew,
    blocking,
)
from tablesync.service_kit.mongo.expressions import from_now
from tablesync.service_kit.mongo.failures import is_signed_out

log = structlog.get_logger()

# How often those who are woken look all the same.
POLL_SECONDS = 15.0
REOPEN_SECONDS = 1.0
# The thread looks so often whether it has to end.
AWAIT_MS = 1_000
INSERTED: Document = {"operationType": "insert"}


def touching(*fields: str) -> Document:
    """Match new documents, and those of which one of these fields was changed.

    An update that changes much of a small document is told as its replacement.
    """
    whole = {"operationType": {"$in": ["insert", "replace"]}}
    updated = [{f"updateDescription.updatedFields.{each}": {"$exists": True}} for each in fields]
    return {"$or": [whole, *updated]}


async def seconds_until(
    collection: Collection, field: str, query: Document, *, later_ms: int = 0
) -> float:
    """Return how long nothing is due, by the database's clock; at most until the next poll.

    What is due is a document of `query`, `later_ms` after the moment in `field`. What is no date
    is due where the claims' own comparison says so; it never fails a loop for all others.
    """
    pipeline: list[Document] = [
        {"$match": query},
        {"$sort": {field: ASCENDING}},
        {"$limit": 1},
        {"$project": {"_id": 0, "left_ms": _left_ms(f"${field}", from_now(-later_ms / 1_000))}},
    ]
    rows = await collection.aggregate(pipeline).to_list(1)
    return min(rows[0]["left_ms"] / 1_000, POLL_SECONDS) if rows else POLL_SECONDS


def _left_ms(path: str, now: Document) -> Document:
    """Return what is left until a moment; as MongoDB sorts, null or a text is before any."""
    is_date = {"$eq": [{"$type": path}, "date"]}
    return {
        "$switch": {
            "branches": [
                {"case": {"$lte": [path, now]}, "then": 0},
                {"case": is_date, "then": {"$subtract": [path, now]}},
            ],
            "default": POLL_SECONDS * 1_000,
        }
    }


class Changes:
    """One process's change stream of a database, fanned out to the loops that it wakes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._interests: list[Document] = []
        self._woken: dict[str, list[asyncio.Event]] = defaultdict(list)
        self._ending = threading.Event()
        self._lost = False

    def wakes(self, collection: str, only: Document | None = None) -> asyncio.Event:
        """Return an event that is set at each change of a collection, whoever made it.

        `only` narrows which changes count. Ask before `run`.
        """
        woken = asyncio.Event()
        self._interests.append({"ns.coll": collection, **(only or {})})
        self._woken[collection].append(woken)
        return woken

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop`, or until cancelled."""
        if self._interests:
            self._start(asyncio.get_running_loop())
        try:
            await stop.wait()
        finally:
            self._ending.set()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread; a daemon, so that no process waits for a socket that hangs."""
        work = copy_context().run, self._follow, loop
        threading.Thread(target=work[0], args=work[1:], name="changes", daemon=True).start()

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._ending.is_set():
            try:
                self._follow_one_stream(loop)
            except Exception as error:
                if loop.is_closed():
                    return
                if not self._lost:
                    log.warning("changes not followed, only polled", error=repr(error))
                self._lost = True
                if is_signed_out(error):
                    authenticate_anew(self._database)
            self._ending.wait(REOPEN_SECONDS)

    def _follow_one_stream(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake all, for what happened before it was open; then those whom a change concerns."""
        pipeline: list[Document] = [
            {"$match": {"$or": self._interests}},
            {"$project": {"ns.coll": 1}},
        ]
        with blocking(self._database).watch(pipeline, max_await_time_ms=AWAIT_MS) as stream:
            if self._lost:
                log.info("changes are followed again")
            self._lost = False
            for collection in self._woken:
                self._wake(collection, loop)
            # It is no longer alive once the database was dropped: it would tell nothing, at once.
            while stream.alive and not self._ending.is_set():
                if change := stream.try_next():
                    self._wake(change["ns"]["coll"], loop)

    def _wake(self, collection: str, loop: asyncio.AbstractEventLoop) -> None:
        for woken in self._woken[collection]:
            # Whoever was told and has not looked yet sees this change as well.
            if not woken.is_set():
                loop.call_soon_threadsafe(woken.set)
