"""Syncs as lists show them: filtered, those that need somebody first, and counted by state.

One index has all that is filtered by: of what does not fit, its keys alone are read.
"""

import re
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne
from tablesync.contracts import RunStatus
from tablesync.contracts.public_api.syncs import SyncFilter
from tablesync.scheduler.domain.syncs import STATES, Sync
from tablesync.scheduler.store.runs import COLLECTION as RUNS
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.mongo import Collection, Document
from tablesync.service_kit.mongo.reading import read_all

LISTED = IndexModel(
    [
        ("workspace_id", ASCENDING),
        ("order", ASCENDING),
        ("_id", ASCENDING),
        ("ends", ASCENDING),
    ],
    name="listed",
)
# Walked by the index, which leaps from workspace to workspace.
_UNLISTED: Document = {"workspace_id": {"$gt": ""}, "order": None}
_BATCH = 500
# After all others: what cannot be read is in no state that is known.
_LAST = {"order": str(len(STATES)), "ends": ""}


class SyncLists:
    """The lists of the collection `syncs`."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection

    async def page_of(self, workspace_id: str, wanted: SyncFilter, at: PageRequest) -> Page[Sync]:
        """Return a page of a workspace's syncs; raises Problem for a bad cursor."""
        query = query_of(workspace_id, wanted)
        return await read_page(self.collection, query, at, Sync.from_document, by="order")

    async def count(self, workspace_id: str, wanted: SyncFilter) -> dict[str, int]:
        """Count a workspace's syncs by their states; `unknown` are those that cannot be read."""
        pipeline: list[Document] = [
            {"$match": query_of(workspace_id, wanted)},
            {"$group": {"_id": {"$substrBytes": ["$order", 0, 1]}, "syncs": {"$sum": 1}}},
            {"$sort": {"_id": ASCENDING}},
        ]
        rows = await self.collection.aggregate(pipeline).to_list(None)
        return {state_of(each["_id"]): each["syncs"] for each in rows}

    async def complete(self) -> None:
        """Give each sync its place in lists that another version has stored without one."""
        while rows := await self._unlisted():
            found = read_all(self.collection, _listed, rows)
            places = [(sync.id, _place(sync)) for sync in found.items]
            places += [(id_, _LAST) for id_ in found.unread_ids]
            writes = [
                UpdateOne({"_id": id_, "order": None}, {"$set": place}) for id_, place in places
            ]
            await self.collection.bulk_write(writes, ordered=False)

    async def _unlisted(self) -> list[Document]:
        pipeline: list[Document] = [
            {"$match": _UNLISTED},
            {"$limit": _BATCH},
            _run("last_run", {"$expr": {"$eq": ["$_id", "$$last_run_id"]}}),
            _run("last_success", {"status": RunStatus.SUCCEEDED}, by_sync=True),
        ]
        return await self.collection.aggregate(pipeline, hint="listed").to_list(_BATCH)


def query_of(workspace_id: str, wanted: SyncFilter) -> Document:
    """Return the query for the syncs of a workspace that fit."""
    query: Document = {"workspace_id": workspace_id, "order": _in_order(wanted)}
    if wanted.connection_id or wanted.base_id or wanted.table_id:
        query["ends"] = {"$regex": _ends(wanted)}
    return query


def state_of(rank: str) -> str:
    """Return the state that the first character of an order stands for."""
    return STATES[int(rank)] if rank.isdecimal() and int(rank) < len(STATES) else "unknown"


def _in_order(wanted: SyncFilter) -> Document:
    rank = STATES.index(wanted.state) if wanted.state else None
    bounds = {"$gte": ""} if rank is None else {"$gte": str(rank), "$lt": str(rank + 1)}
    if not wanted.q:
        return bounds
    return {**bounds, "$regex": f"^..*{re.escape(wanted.q.casefold())}", "$options": "s"}


def _ends(wanted: SyncFilter) -> str:
    """Return the pattern of `Sync.ends`."""
    one, any_ = re.escape(wanted.connection_id or ""), r"\S+"
    connections = f"(?:{one} {any_}|{any_} {one})" if one else f"{any_} {any_}"
    base, table = (re.escape(each) if each else any_ for each in (wanted.base_id, wanted.table_id))
    return f"^{connections} {base} {table}$"


def _run(name: str, match: Document, *, by_sync: bool = False) -> Document:
    """Look up a sync's last run of some kind."""
    keys = {"localField": "_id", "foreignField": "sync_id"} if by_sync else {}
    newest = [{"$sort": {"_id": -1}}, {"$limit": 1}, {"$project": {"status": 1, "ended_at": 1}}]
    return {
        "$lookup": {
            "from": RUNS,
            **keys,
            "let": {"last_run_id": "$last_run_id"},
            "pipeline": [{"$match": match}, *newest],
            "as": name,
        }
    }


def _listed(document: dict[str, Any]) -> Sync:
    """Read a sync with what its history says of how it is doing."""
    sync = Sync.from_document(document)
    if any(each["status"] == RunStatus.FAILED for each in document["last_run"]):
        sync.failing = not sync.holds
    for each in document["last_success"]:
        sync.last_success_at = each["ended_at"]
    return sync


def _place(sync: Sync) -> Document:
    now = sync.to_document()
    kept = ("order", "ends", "failing", "last_success_at")
    return {name: now[name] for name in kept if name in now}
