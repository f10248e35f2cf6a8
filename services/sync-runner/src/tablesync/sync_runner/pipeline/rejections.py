"""Rejections: the records that a run could not write, each with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pymongo import DESCENDING
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import read
from tablesync.sync_runner.runs import Run
from tablesync.sync_runner.store import FORGET_AT_ONCE, REJECTIONS


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that could not be written, and why, for people.

    `field` is the one to blame, if one is, `value` what it could not take, cut short, and `remedy`
    what can be done, where that is known; `at` is when it was stored, by the database's clock, and
    `run_id` whose it is then.
    """

    source_id: str
    reason: str
    field: str | None = None
    at: datetime | None = None
    value: str | None = None
    remedy: str | None = None
    run_id: str | None = None

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form."""
        return cls(
            source_id=document["source_id"],
            reason=document["reason"],
            field=document["field"],
            at=document["at"],
            value=document.get("value"),
            remedy=document.get("remedy"),
            run_id=document["run_id"],
        )

    def to_document(self, run: Run, at: datetime) -> Document:
        """Return the stored form, as one of a run's."""
        more = {"value": self.value, "remedy": self.remedy}
        return {
            "run_id": run.id,
            "sync_id": run.sync_id,
            "workspace_id": run.workspace_id,
            "source_id": self.source_id,
            "reason": self.reason,
            "field": self.field,
            "at": at,
            **{name: each for name, each in more.items() if each is not None},
        }


class Rejections:
    """The rejections of all runs; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self._collection = database[REJECTIONS]

    async def save(
        self,
        run: Run,
        outcomes: Mapping[str, Rejection | None],
        at: datetime,
        session: Session,
    ) -> None:
        """Store what became of records of a run; None for one that is no longer rejected."""
        if outcomes:
            known = {"run_id": run.id, "source_id": {"$in": list(outcomes)}}
            await self._collection.delete_many(known, session=session)
        if rejected := [each.to_document(run, at) for each in outcomes.values() if each]:
            await self._collection.insert_many(rejected, session=session)

    async def forget(self, sync_id: str, session: Session) -> bool:
        """Forget some of a sync's rejections: whether none is left."""
        found = self._collection.find(
            {"sync_id": sync_id}, {"_id": 1}, limit=FORGET_AT_ONCE, session=session
        )
        ids = [row["_id"] async for row in found]
        await self._collection.delete_many({"_id": {"$in": ids}}, session=session)
        return len(ids) < FORGET_AT_ONCE

    async def among(self, run_id: str, source_ids: Sequence[str]) -> set[str]:
        """Return those of the records that a run has rejected."""
        query = {"run_id": run_id, "source_id": {"$in": list(source_ids)}}
        return set(await self._collection.distinct("source_id", query))

    async def last_of(self, sync_id: str, source_id: str) -> Rejection | None:
        """Return the last rejection of a record of a sync that is kept."""
        query = {"sync_id": sync_id, "source_id": source_id}
        row = await self._collection.find_one(query, sort=[("at", DESCENDING)])
        return read(self._collection, Rejection.from_document, row) if row else None

    async def page(self, run_id: str, at: PageRequest) -> Page[Rejection]:
        """Return a page of a run's rejections, by the record's id."""
        query = {"run_id": run_id}
        return await read_page(
            self._collection, query, at, Rejection.from_document, by="source_id", unique=True
        )
