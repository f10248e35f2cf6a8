"""Reads and writes of the run history."""

from collections.abc import Iterable, Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne
from tablesync.scheduler.domain.changes import WithdrawnRun
from tablesync.scheduler.domain.runs import Run
from tablesync.service_kit.http.pages import Page, PageRequest, find_page
from tablesync.service_kit.mongo import Collection, Database, Document, Session, from_now

COLLECTION = "runs"


class RunStore:
    """The collection `runs`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self._collection: Collection = database[COLLECTION]

    async def get(self, run_id: str, session: Session | None = None) -> Run | None:
        """Return one run of any workspace."""
        found = await self._collection.find_one({"_id": run_id}, session=session)
        return Run.from_document(found) if found else None

    async def by_id(self, run_ids: Iterable[str | None]) -> dict[str, Run]:
        """Return the runs with these ids; None is passed over."""
        wanted = sorted({each for each in run_ids if each})
        found = await self._collection.find({"_id": {"$in": wanted}}).to_list(None)
        return {run.id: run for run in _runs(found)}

    async def page_of(self, workspace_id: str, sync_id: str | None, at: PageRequest) -> Page[Run]:
        """Return a page of a workspace's runs, or of one sync's, newest first.

        Raises Problem for a bad cursor.
        """
        query = {"workspace_id": workspace_id, **({"sync_id": sync_id} if sync_id else {})}
        found = await find_page(self._collection, query, at, descending=True)
        return found.map(Run.from_document)

    async def overdue(self, seconds: float, limit: int) -> list[Run]:
        """Return open runs that nobody has asked about for so long, by the database's clock."""
        query = {"open": True, "$expr": {"$lte": ["$checked_at", from_now(-seconds)]}}
        cursor = self._collection.find(query).sort("checked_at", ASCENDING).limit(limit)
        return _runs(await cursor.to_list(limit))

    async def mark_checked(self, run_ids: Sequence[str]) -> None:
        """Note that these runs were asked about now."""
        await self._collection.update_many(
            {"_id": {"$in": list(run_ids)}}, [{"$set": {"checked_at": "$$NOW"}}]
        )

    async def count_unknown(self, run_ids: Sequence[str]) -> None:
        """Note that sync-runner did not know of these runs."""
        await self._collection.update_many(
            {"_id": {"$in": list(run_ids)}}, {"$inc": {"times_unknown": 1}}
        )

    async def insert(self, runs: Sequence[Run], session: Session) -> None:
        """Store new runs."""
        if runs:
            documents = [run.to_document() for run in runs]
            await self._collection.insert_many(documents, ordered=False, session=session)

    async def save(self, run: Run, session: Session) -> None:
        """Store a run that is there already."""
        await self._collection.replace_one({"_id": run.id}, run.to_document(), session=session)

    async def withdraw(self, runs: Sequence[WithdrawnRun], session: Session) -> None:
        """End runs that nobody was asked for."""
        if runs:
            ends = [_end_of(each) for each in runs]
            await self._collection.bulk_write(ends, ordered=False, session=session)


def _runs(found: Iterable[Document]) -> list[Run]:
    return [Run.from_document(each) for each in found]


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
