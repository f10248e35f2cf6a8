"""Reads and writes of the run history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne
from tablesync.contracts import RunStatus, Trigger
from tablesync.scheduler.domain.changes import WithdrawnRun
from tablesync.scheduler.domain.runs import Run
from tablesync.service_kit.clock import unix_milliseconds
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.mongo import Collection, Database, Document, Session, from_now
from tablesync.service_kit.mongo.reading import Found, read, read_all

COLLECTION = "runs"
OPEN = [each for each in RunStatus if not each.ended]
BROUGHT_LESS: list[RunStatus] = [
    each for each in RunStatus if each.ended and each is not RunStatus.SUCCEEDED
]
# An id begins with the time of the process that made it, and not with the database's.
CLOCKS_DIFFER_MS = 3_600_000


@dataclass(frozen=True)
class RunFilter:
    """Which runs are meant: those that fit all that is given; requested from, and before, when."""

    sync_id: str | None = None
    connection_id: str | None = None
    status: RunStatus | None = None
    trigger: Trigger | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> Document:
        """Return the query for them."""
        same = {
            "sync_id": self.sync_id,
            "connection_ids": self.connection_id,
            "status": self.status,
            "trigger": self.trigger,
        }
        given = {name: each for name, each in same.items() if each is not None}
        return {**given, **self._within()}

    def _within(self) -> Document:
        """Narrow the time by ids first, by which runs are in order."""
        moments = {"$gte": self.since, "$lt": self.until}
        requested = {name: each for name, each in moments.items() if each}
        if not requested:
            return {}
        aside = {"$gte": -CLOCKS_DIFFER_MS, "$lt": CLOCKS_DIFFER_MS}
        ids = {
            name: _id_at(unix_milliseconds(each) + aside[name]) for name, each in requested.items()
        }
        return {"_id": ids, "requested_at": requested}


def _id_at(milliseconds: int) -> str:
    """Return what is before every id that was made at a time or later."""
    digits = f"{max(0, milliseconds):012x}"
    return f"run_{digits[:8]}-{digits[8:]}-"


class RunStore:
    """The collection `runs`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self.collection: Collection = database[COLLECTION]

    async def get(self, run_id: str, session: Session | None = None) -> Run | None:
        """Return one run of any workspace; raises UnreadableDocumentError."""
        return await self._get({"_id": run_id}, session)

    async def get_of(
        self, workspace_id: str, run_id: str, session: Session | None = None
    ) -> Run | None:
        """Return one run of a workspace; raises UnreadableDocumentError."""
        return await self._get({"_id": run_id, "workspace_id": workspace_id}, session)

    async def by_id(self, run_ids: Iterable[str | None]) -> dict[str, Run]:
        """Return those of the runs with these ids that can be read; None is passed over."""
        wanted = sorted({each for each in run_ids if each})
        found = await self.collection.find({"_id": {"$in": wanted}}).to_list(None)
        return {run.id: run for run in self._read_all(found).items}

    async def page_of(self, workspace_id: str, wanted: RunFilter, at: PageRequest) -> Page[Run]:
        """Return a page of a workspace's runs that fit, newest first.

        Raises Problem for a bad cursor.
        """
        query = {"workspace_id": workspace_id, **wanted.query()}
        return await read_page(self.collection, query, at, Run.from_document, descending=True)

    async def with_slots(self, sync_id: str, before: datetime, limit: int) -> Found[Run]:
        """Return a sync's runs of slots before a moment, newest first, after the next one.

        That one may stand for slots before the moment as well.
        """
        its = {"sync_id": sync_id}
        older = self.collection.find({**its, "slot": {"$lt": before}}).sort("slot", DESCENDING)
        newer = self.collection.find({**its, "slot": {"$gte": before}}).sort("slot", ASCENDING)
        rows = [*await newer.limit(1).to_list(1), *await older.limit(limit).to_list(limit)]
        return self._read_all(rows)

    async def overdue(self, seconds: float, limit: int) -> Found[Run]:
        """Return open runs that nobody has asked about for so long, by the database's clock."""
        query = {"open": True, "$expr": {"$lte": ["$checked_at", from_now(-seconds)]}}
        cursor = self.collection.find(query).sort("checked_at", ASCENDING).limit(limit)
        return self._read_all(await cursor.to_list(limit))

    async def mark_checked(self, run_ids: Sequence[str]) -> None:
        """Note that these runs were asked about now."""
        await self.collection.update_many(
            {"_id": {"$in": list(run_ids)}}, [{"$set": {"checked_at": "$$NOW"}}]
        )

    async def count_unknown(self, run_ids: Sequence[str]) -> None:
        """Note that sync-runner did not know of these runs."""
        await self.collection.update_many(
            {"_id": {"$in": list(run_ids)}}, {"$inc": {"times_unknown": 1}}
        )

    async def insert(self, runs: Sequence[Run], session: Session) -> None:
        """Store new runs."""
        if runs:
            documents = [run.to_document() for run in runs]
            await self.collection.insert_many(documents, ordered=False, session=session)

    async def save(self, run: Run, session: Session) -> None:
        """Store a run that is there already."""
        await self.collection.replace_one({"_id": run.id}, run.to_document(), session=session)

    async def withdraw(self, runs: Sequence[WithdrawnRun], session: Session) -> None:
        """End runs that nobody was asked for."""
        if runs:
            ends = [_end_of(each) for each in runs]
            await self.collection.bulk_write(ends, ordered=False, session=session)

    async def _get(self, query: Document, session: Session | None) -> Run | None:
        found = await self.collection.find_one(query, session=session)
        return read(self.collection, Run.from_document, found) if found else None

    def _read_all(self, found: Iterable[Document]) -> Found[Run]:
        return read_all(self.collection, Run.from_document, found)


def _end_of(withdrawn: WithdrawnRun) -> UpdateOne:
    end = {
        "status": withdrawn.status,
        "summary": withdrawn.summary,
        "ended_at": withdrawn.at,
    }
    return UpdateOne({"_id": withdrawn.run_id}, {"$set": end, "$unset": {"open": ""}})


INDEXES = [
    IndexModel([("workspace_id", ASCENDING), ("_id", DESCENDING)], name="workspace"),
    IndexModel([("sync_id", ASCENDING), ("_id", DESCENDING)], name="sync"),
    IndexModel([("connection_ids", ASCENDING), ("_id", DESCENDING)], name="connection"),
    *(
        IndexModel([("workspace_id", ASCENDING), (each, ASCENDING), ("_id", DESCENDING)], name=each)
        for each in ("status", "trigger")
    ),
    IndexModel(
        [("open", ASCENDING), ("checked_at", ASCENDING)],
        name="open",
        partialFilterExpression={"open": True},
    ),
    # No slot twice, whatever happens.
    IndexModel(
        [("sync_id", ASCENDING), ("slot", ASCENDING)],
        name="slot",
        unique=True,
        partialFilterExpression={"slot": {"$exists": True}},
    ),
]
