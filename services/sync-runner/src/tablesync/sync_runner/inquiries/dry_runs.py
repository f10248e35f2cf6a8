"""Dry runs as they are stored: jobs that count what a sync would do, and expire."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from uuid import uuid4

from pymongo import ASCENDING, ReturnDocument
from tablesync.contracts import RunCounts
from tablesync.contracts.public_api.catalog import DryRun, NewDryRun, WouldChange
from tablesync.service_kit.mongo import Database, Document, from_now
from tablesync.service_kit.mongo.changes import seconds_until
from tablesync.service_kit.mongo.reading import read
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork
from tablesync.sync_runner.store import DRY_RUNS

LEASE_SECONDS = 20.0
# So many workers may be lost with one before it is given up.
MOST_TAKEOVERS = 2
_OPEN: Document = {"open": True}
_NOT_OWNED: Document = {"owner": None, "due_at": None, "open": False}


class Status(StrEnum):
    """Where a dry run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Effect:
    """What has been counted so far."""

    counts: RunCounts = field(default_factory=RunCounts)
    created: int = 0
    updated: int = 0
    total: int | None = None
    changes: tuple[WouldChange, ...] = ()

    def fields(self) -> Document:
        """Return the stored form."""
        return {
            "counts": self.counts.model_dump(),
            "created": self.created,
            "updated": self.updated,
            "total": self.total,
            "changes": [each.model_dump(mode="json") for each in self.changes],
        }


@dataclass(frozen=True)
class Job:
    """A dry run that a worker has taken; `owner` is who may store what becomes of it."""

    id: str
    workspace_id: str
    asked: NewDryRun
    owner: str | None
    takeovers: int

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form."""
        return cls(
            id=document["_id"],
            workspace_id=document["workspace_id"],
            asked=NewDryRun.model_validate(document["asked"]),
            owner=document["owner"],
            takeovers=document["takeovers"],
        )


def view(document: Document) -> DryRun:
    """Show a stored dry run."""
    return DryRun(
        id=document["_id"],
        sync_id=document["asked"].get("sync_id"),
        status=document["status"],
        counts=RunCounts.model_validate(document["counts"]),
        created=document["created"],
        updated=document["updated"],
        total=document["total"],
        changes=tuple(WouldChange.model_validate(each) for each in document["changes"]),
        summary=document["summary"],
    )


class DryRuns:
    """The dry runs of all workspaces."""

    def __init__(self, database: Database) -> None:
        self._rows = database[DRY_RUNS]

    async def add(self, unit: UnitOfWork, id_: str, workspace_id: str, asked: NewDryRun) -> DryRun:
        """Store one, to be taken by a worker."""
        row = {
            "_id": id_,
            "workspace_id": workspace_id,
            "asked": asked.model_dump(mode="json", by_alias=True, exclude_unset=True),
            "status": Status.QUEUED.value,
            "open": True,
            "owner": None,
            "due_at": unit.now,
            "takeovers": 0,
            "cancel_requested": False,
            "summary": None,
            "created_at": unit.now,
            **Effect().fields(),
        }
        await self._rows.insert_one(row, session=unit.session)
        return view(row)

    async def open_of(self, workspace_id: str) -> int:
        """Return how many of a workspace have not ended."""
        return await self._rows.count_documents({**_OPEN, "workspace_id": workspace_id})

    async def find(self, workspace_id: str, id_: str) -> DryRun | None:
        """Return one of a workspace."""
        row = await self._rows.find_one({"_id": id_, "workspace_id": workspace_id})
        return read(self._rows, view, row) if row else None

    async def cancel(self, unit: UnitOfWork, workspace_id: str, id_: str) -> DryRun | None:
        """End one that waits, have one stop that is counted; one that has ended stays as it is."""
        own = {"_id": id_, "workspace_id": workspace_id}
        ended = {**_ended(Status.CANCELLED, None), "ended_at": unit.now}
        await self._rows.update_one(
            {**own, "status": Status.QUEUED.value}, {"$set": ended}, session=unit.session
        )
        await self._rows.update_one(
            {**own, **_OPEN}, {"$set": {"cancel_requested": True}}, session=unit.session
        )
        row = await self._rows.find_one(own, session=unit.session)
        return view(row) if row else None

    # what workers do

    async def claim(self) -> Job | None:
        """Take one that waits, or whose worker is gone; None if there is none."""
        taken: Document = {
            "owner": uuid4().hex,
            "due_at": from_now(LEASE_SECONDS),
            "status": Status.RUNNING.value,
            "takeovers": {
                "$cond": [
                    {"$eq": ["$status", Status.RUNNING.value]},
                    {"$add": ["$takeovers", 1]},
                    "$takeovers",
                ]
            },
        }
        row = await self._rows.find_one_and_update(
            {**_OPEN, "$expr": {"$lte": ["$due_at", "$$NOW"]}},
            [{"$set": taken}],
            sort=[("due_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return read(self._rows, Job.from_document, row) if row else None

    async def seconds_until_due(self) -> float:
        """Return how long there is none to take, at most until the next poll."""
        return await seconds_until(self._rows, "due_at", _OPEN)

    async def save(self, job: Job, effect: Effect) -> bool | None:
        """Store what has been counted, and keep the job; whether somebody wants it cancelled.

        None if it is another worker's by now.
        """
        change = [{"$set": {**_literal(effect.fields()), "due_at": from_now(LEASE_SECONDS)}}]
        row = await self._rows.find_one_and_update(_owned(job), change, {"cancel_requested": 1})
        return bool(row["cancel_requested"]) if row else None

    async def hand_back(self, job: Job) -> None:
        """Let another worker begin it anew: nothing was written, so nothing is lost."""
        change = {"owner": None, "due_at": "$$NOW", "status": Status.QUEUED.value}
        await self._rows.update_one(_owned(job), [{"$set": change}])

    async def end(self, job: Job, status: Status, summary: str | None, effect: Effect) -> None:
        """Store how it ended."""
        change = {**_literal({**_ended(status, summary), **effect.fields()}), "ended_at": "$$NOW"}
        await self._rows.update_one(_owned(job), [{"$set": change}])


def _owned(job: Job) -> Document:
    return {"_id": job.id, "owner": job.owner, **_OPEN}


def _ended(status: Status, summary: str | None) -> Document:
    return {**_NOT_OWNED, "status": status.value, "summary": summary}


def _literal(fields: Document) -> Document:
    """Return fields as a pipeline takes them: a text of a record may open with a dollar sign."""
    return {name: {"$literal": value} for name, value in fields.items()}
