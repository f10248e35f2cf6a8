"""Syncs as lists show them: filtered, those that need somebody first, and counted by state.

One index has all that is filtered by: of what does not fit, its keys alone are read.
"""

import re
from collections import abc
from collections.abc import Sequence

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne
from tablesync.contracts import RunStatus
from tablesync.contracts.public_api.syncs import SyncFilter
from tablesync.scheduler.domain.syncs import STATES, Sync
from tablesync.scheduler.store.runs import COLLECTION as RUNS
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.mongo import Collection, Document, Session
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

    async def names_of(self, workspace_id: str, ids: abc.Collection[str]) -> dict[str, str]:
        """Return what those of a workspace's syncs are called that have these ids."""
        query = {"_id": {"$in": list(ids)}, "workspace_id": workspace_id}
        found = await self.collection.find(query, {"name": 1}).to_list(None)
        return {each["_id"]: str(each.get("name")) for each in found}

    async def ids_of(
        self,
        workspace_id: str,
        wanted: SyncFilter,
        session: Session,
        only: Document | None = None,
    ) -> list[str]:
        """Return which of a workspace's syncs fit; `only` narrows them further."""
        query = {**query_of(workspace_id, wanted), **(only or {})}
        found = self.collection.find(query, {"_id": 1}, session=session)
        return [each["_id"] for each in await found.sort("order", ASCENDING).to_list(None)]

    async def complete(self) -> None:
        """Give each sync its place in lists that another version has stored without one."""
        while rows := await self._unlisted():
            found = read_all(self.collection, Sync.from_document, rows)
            await self._recall(found.items)
            places = [(sync.id, _place(sync)) for sync in found.items]
            places += [(id_, _LAST) for id_ in found.unread_ids]
            writes = [
                UpdateOne({"_id": id_, "order": None}, {"$set": place}) for id_, place in places
            ]
            await self.collection.bulk_write(writes, ordered=False)

    async def _unlisted(self) -> list[Document]:
        return await self.collection.find(_UNLISTED, hint="listed").limit(_BATCH).to_list(_BATCH)

    async def _recall(self, syncs: Sequence[Sync]) -> None:
        """Note how syncs are doing, as their history says."""
        last_ids = [sync.last_run_id for sync in syncs if sync.last_run_id]
        last = {each["sync_id"]: each for each in await self._ends_of({"_id": {"$in": last_ids}})}
        for sync in syncs:
            run = last.get(sync.id, {})
            if run.get("status") != RunStatus.SUCCEEDED and sync.last_run_id:
                sync.failing = run.get("status") == RunStatus.FAILED and not sync.holds
                (run,) = await self._last_success(sync) or [{}]
            sync.last_success_at = run.get("ended_at")

    async def _last_success(self, sync: Sync) -> list[Document]:
        return await self._ends_of({"sync_id": sync.id, "status": RunStatus.SUCCEEDED}, limit=1)

    async def _ends_of(self, query: Document, limit: int = 0) -> list[Document]:
        runs = self.collection.database[RUNS]
        found = runs.find(query, {"sync_id": 1, "status": 1, "ended_at": 1})
        return await found.sort("_id", DESCENDING).limit(limit).to_list(None)


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


def _place(sync: Sync) -> Document:
    now = sync.to_document()
    kept = ("order", "ends", "failing", "last_success_at")
    return {name: now[name] for name in kept if name in now}
