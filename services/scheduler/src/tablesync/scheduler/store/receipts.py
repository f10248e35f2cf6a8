"""Outages of connections, by the gaps that they have left and those that are open still.

An outage is a connection and the moment in which it was lost.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from tablesync.contracts import HoldKind, RunStatus
from tablesync.contracts.public_api.receipts import ReceiptSummary
from tablesync.contracts.specs import RunCounts
from tablesync.scheduler.domain.connections import Connection
from tablesync.scheduler.domain.gaps import ClosedGap
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store.gaps import COLLECTION as GAPS
from tablesync.scheduler.store.runs import BROUGHT_LESS, OPEN
from tablesync.scheduler.store.runs import COLLECTION as RUNS
from tablesync.scheduler.store.syncs import COLLECTION as SYNCS
from tablesync.service_kit.mongo import Collection, Database, Document
from tablesync.service_kit.mongo.reading import read_all

LINES, FAILURES = 500, 100
_COUNTS = tuple(RunCounts.model_fields)


# A gap with its sync's name, which is None for one that is deleted.
NamedGap = tuple[str | None, ClosedGap]


@dataclass(frozen=True)
class CaughtUp:
    """How the catch-ups of an outage ended, and what they brought together."""

    done: int
    failed: int
    counts: RunCounts


class ReceiptStore:
    """What is asked of `gaps` and `syncs` for receipts."""

    def __init__(self, database: Database) -> None:
        self._gaps: Collection = database[GAPS]
        self._syncs: Collection = database[SYNCS]

    async def outages(
        self, connection: Connection, before: datetime | None, limit: int
    ) -> list[ReceiptSummary]:
        """Return a connection's outages, newest first, before a moment."""
        by_moment: dict[datetime, Document] = {}
        if connection.held:
            for row in await self._syncs.aggregate(_still_held(connection)).to_list(None):
                if before is None or row["_id"] < before:
                    by_moment[row["_id"]] = row
        async for row in self._closed(connection, before, limit):
            # Of one that holds some syncs still, what is open counts.
            by_moment[row["_id"]] = _sum(row, by_moment.get(row["_id"]))
        newest = sorted(by_moment, reverse=True)[:limit]
        return [_summary(each, by_moment[each]) for each in newest]

    async def _closed(
        self, connection: Connection, before: datetime | None, limit: int
    ) -> AsyncIterator[Document]:
        """Yield outages by their gaps, newest first: each is found, and added up, by the index."""
        its = _gap_of(connection.workspace_id, connection.id)
        for _ in range(limit):
            earlier = {"hold.since": {"$lt": before}} if before else {}
            newest = [("hold.since", DESCENDING)]
            gap = await self._gaps.find_one({**its, **earlier}, {"hold": 1}, sort=newest)
            if gap is None:
                return
            before = gap["hold"]["since"]
            pipeline = [
                {"$match": {**its, "hold.since": before}},
                *_by_outage("$hold", "$gap.slots_missed", "$gap.to"),
            ]
            for row in await self._gaps.aggregate(pipeline).to_list(1):
                yield row

    async def caught_up(self, workspace_id: str, connection_id: str, lost_at: datetime) -> CaughtUp:
        """Count what the catch-ups of an outage have brought, and how they ended."""
        pipeline = [
            {"$match": _gap_of(workspace_id, connection_id, lost_at)},
            _with_its_run("status", "counts"),
            {
                "$group": {
                    "_id": None,
                    "done": _how_many(OPEN, 0, 1),
                    "failed": _how_many(BROUGHT_LESS, 1, 0),
                    **{each: {"$sum": {"$first": f"$run.counts.{each}"}} for each in _COUNTS},
                }
            },
        ]
        (row,) = await self._gaps.aggregate(pipeline).to_list(1) or [
            dict.fromkeys(("done", "failed", *_COUNTS), 0)
        ]
        counts = RunCounts(**{each: row[each] for each in _COUNTS})
        return CaughtUp(row["done"], row["failed"], counts)

    async def gaps_of(
        self, workspace_id: str, connection_id: str, lost_at: datetime
    ) -> list[NamedGap]:
        """Return the closed gaps of an outage, each with its sync's name, by it; 500 at most."""
        return await self._named(_gap_of(workspace_id, connection_id, lost_at), [], LINES)

    async def failures_of(
        self, workspace_id: str, connection_id: str, lost_at: datetime
    ) -> list[NamedGap]:
        """Return those whose catch-ups ended without bringing all; 100 at most."""
        ended_so = [_with_its_run("status"), {"$match": {"run.status": {"$in": BROUGHT_LESS}}}]
        its = _gap_of(workspace_id, connection_id, lost_at)
        return await self._named(its, ended_so, FAILURES)

    async def _named(self, wanted: Document, narrowed: list[Document], most: int) -> list[NamedGap]:
        its = {"localField": "sync_id", "foreignField": "_id"}
        pipeline: list[Document] = [
            {"$match": wanted},
            *narrowed,
            {"$lookup": {"from": SYNCS, **its, "pipeline": [{"$project": {"name": 1}}], "as": "s"}},
            {"$set": {"name": {"$first": "$s.name"}}},
            {"$sort": {"name": ASCENDING, "_id": ASCENDING}},
            {"$limit": most},
        ]
        rows = await self._gaps.aggregate(pipeline).to_list(most)
        names = {row["sync_id"]: row.get("name") for row in rows}
        found = read_all(self._gaps, ClosedGap.from_document, rows)
        return [(names[each.sync_id], each) for each in found.items]

    async def still_held(
        self, workspace_id: str, connection_id: str, lost_at: datetime
    ) -> list[Sync]:
        """Return the syncs that an outage holds still, by name; 500 at most."""
        hold = {"kind": HoldKind.CONNECTION, "connection_id": connection_id, "since": lost_at}
        query = {
            "workspace_id": workspace_id,
            "connection_ids": connection_id,
            "holds": {"$elemMatch": hold},
        }
        rows = await self._syncs.find(query).sort("order", ASCENDING).limit(LINES).to_list(LINES)
        return read_all(self._syncs, Sync.in_outline, rows).items


def _gap_of(workspace_id: str, connection_id: str, lost_at: datetime | None = None) -> Document:
    return {
        "workspace_id": workspace_id,
        "hold.connection_id": connection_id,
        "hold.kind": HoldKind.CONNECTION,
        **({"hold.since": lost_at} if lost_at else {}),
    }


def _with_its_run(*members: str) -> Document:
    return {
        "$lookup": {
            "from": RUNS,
            "localField": "catch_up_run_id",
            "foreignField": "_id",
            "pipeline": [{"$project": dict.fromkeys(members, 1)}],
            "as": "run",
        }
    }


def _how_many(statuses: list[RunStatus], among: int, otherwise: int) -> Document:
    """Count gaps by where their runs stand; without a run, nothing was owed."""
    return {"$sum": {"$cond": [{"$in": [{"$first": "$run.status"}, statuses]}, among, otherwise]}}


def _still_held(connection: Connection) -> list[Document]:
    its = {"holds.kind": HoldKind.CONNECTION, "holds.connection_id": connection.id}
    workspace = {"workspace_id": connection.workspace_id}
    return [
        {"$match": {**workspace, "connection_ids": connection.id, **its}},
        {"$unwind": "$holds"},
        {"$match": its},
        *_by_outage("$holds", "$missed.slots", None),
    ]


def _by_outage(hold: str, slots: str, back_at: str | None) -> list[Document]:
    return [
        {
            "$group": {
                "_id": f"{hold}.since",
                "cause": {"$first": f"{hold}.cause"},
                "slots_missed": {"$sum": slots},
                "syncs": {"$sum": 1},
                "back_at": {"$max": back_at},
            }
        }
    ]


def _sum(closed: Document, still_open: Document | None) -> Document:
    if still_open is None:
        return closed
    added = {name: closed[name] + still_open[name] for name in ("slots_missed", "syncs")}
    return {**still_open, **added}


def _summary(lost_at: datetime, row: Document) -> ReceiptSummary:
    return ReceiptSummary(
        lost_at=lost_at,
        back_at=row["back_at"],
        cause=row["cause"],
        slots_missed=row["slots_missed"],
        syncs=row["syncs"],
    )
