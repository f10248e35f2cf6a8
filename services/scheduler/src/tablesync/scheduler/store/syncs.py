"""Reads and writes of syncs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import bson
from pymongo import ASCENDING, IndexModel, UpdateMany, UpdateOne
from tablesync.contracts import HoldKind
from tablesync.contracts.internal_api import NAMED_SYNCS, CatchUpCounts, WrittenBase
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.store.runs import COLLECTION as RUNS
from tablesync.scheduler.store.sync_lists import LISTED
from tablesync.service_kit.mongo import Collection, Database, Document, Session
from tablesync.service_kit.mongo.changes import seconds_until, touching
from tablesync.service_kit.mongo.indexes import Retired
from tablesync.service_kit.mongo.reading import Found, read, read_all, set_aside

COLLECTION = "syncs"
HELD_BY_IT = "held by it"
IS_DUE: Document = {"claimable": True, "$expr": {"$lte": ["$due_at", "$$NOW"]}}
# What may bring the next slot or catch-up forward; claiming one changes none of these.
BRINGS_FORWARD = touching("claimable", "planned", "schedule")
NEEDS_RECHECK: Document = {
    "$expr": {"$lte": ["$recheck_at", "$$NOW"]},
    "recheck_at": {"$type": "date"},
}


class SyncStore:
    """The collection `syncs`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self.collection: Collection = database[COLLECTION]

    async def get(self, sync_id: str, session: Session | None = None) -> Sync | None:
        """Return one sync of any workspace; raises UnreadableDocumentError."""
        return await self._get({"_id": sync_id}, session)

    async def get_of(
        self, workspace_id: str, sync_id: str, session: Session | None = None
    ) -> Sync | None:
        """Return one sync of a workspace; raises UnreadableDocumentError."""
        return await self._get({"_id": sync_id, "workspace_id": workspace_id}, session)

    async def among(
        self, workspace_id: str, sync_ids: Sequence[str], session: Session
    ) -> Found[Sync]:
        """Return those of a workspace's syncs that have these ids."""
        query = {"_id": {"$in": list(sync_ids)}, "workspace_id": workspace_id}
        found = self.collection.find(query, session=session)
        return self._read_all(await found.to_list(None))

    async def due(self, limit: int, session: Session) -> Found[Sync]:
        """Return the syncs that are due by the database's clock, longest due first."""
        cursor = self.collection.find(IS_DUE, session=session).sort("due_at", ASCENDING)
        return self._read_all(await cursor.limit(limit).to_list(limit))

    async def due_ids(self, limit: int) -> list[str]:
        """Return which syncs are due, longest due first."""
        cursor = self.collection.find(IS_DUE, {"_id": 1}).sort("due_at", ASCENDING).limit(limit)
        return [each["_id"] for each in await cursor.to_list(limit)]

    async def put_back(self, sync_ids: Sequence[str], session: Session | None = None) -> None:
        """Have the ticker come again in a minute; what is due meanwhile is accounted for then."""
        await set_aside(self.collection, sync_ids, "due_at", session)

    async def seconds_until_due(self) -> float:
        """Return how long nothing is due, at most until the next poll."""
        return await seconds_until(self.collection, "due_at", {"claimable": True})

    async def seconds_until_recheck(self) -> float:
        """Return how long nothing is to be looked at again, at most until the next poll."""
        query = {"recheck_at": {"$type": "date"}}
        return await seconds_until(self.collection, "recheck_at", query)

    async def dependents(
        self,
        connection_id: str,
        after: str = "",
        limit: int | None = None,
        session: Session | None = None,
    ) -> Found[Sync]:
        """Return the syncs that need a connection, by id, from a point on."""
        query = {"connection_ids": connection_id, "_id": {"$gt": after}}
        cursor = self.collection.find(query, session=session).sort("_id", ASCENDING)
        return self._read_all(await cursor.limit(limit or 0).to_list(limit))

    async def outlines(
        self, workspace_id: str, connection_id: str, after: str, limit: int
    ) -> Found[Sync]:
        """Return the syncs of a workspace that need a connection, as far as lists show them."""
        query = {**_needing(workspace_id, connection_id), "_id": {"$gt": after}}
        cursor = self.collection.find(query, {"mapping": 0, "names": 0, "past_schedules": 0})
        rows = await cursor.sort("_id", ASCENDING).limit(limit).to_list(limit)
        return read_all(self.collection, Sync.in_outline, rows)

    async def count_dependents(self, workspace_id: str, connection_id: str) -> int:
        """Return how many syncs of a workspace need a connection."""
        return await self.collection.count_documents(_needing(workspace_id, connection_id))

    async def catch_up_counts(self, workspace_id: str, connection_id: str) -> CatchUpCounts:
        """Count the syncs that need a connection, by how their catch-ups stand."""
        pipeline = [
            {"$match": _needing(workspace_id, connection_id)},
            *_by_catch_up(connection_id),
        ]
        rows = await self.collection.aggregate(pipeline).to_list(None)
        counts = {each["_id"]: each["syncs"] for each in rows}
        total, held = sum(counts.values()), counts.pop(HELD_BY_IT, 0)
        by_status = {status: count for status, count in counts.items() if status is not None}
        return CatchUpCounts(total=total, held=held, by_status=by_status)

    async def written_bases(
        self, workspace_id: str, connection_id: str, after: str, limit: int
    ) -> list[WrittenBase]:
        """Return the bases that a workspace's syncs write to over a connection, by id."""
        match = {
            **_needing(workspace_id, connection_id),
            "destination.connection_id": connection_id,
            "destination.base_id": {"$gt": after},
            # Not by `{"$type": …}`, which takes a list for what is in it.
            "$expr": {"$and": [_is_text("$destination.base_id"), _is_text("$name")]},
        }
        pipeline = [{"$match": match}, *_by_base(limit)]
        rows = await self.collection.aggregate(pipeline).to_list(limit)
        return [WrittenBase.model_validate(each) for each in rows]

    async def dependent_ids(self, connection_id: str, after: str, limit: int) -> list[str]:
        """Return which syncs need a connection, by id, from a point on."""
        query = {"connection_ids": connection_id, "_id": {"$gt": after}}
        cursor = self.collection.find(query, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
        return [each["_id"] for each in await cursor.to_list(limit)]

    async def to_recheck(self, limit: int) -> Found[Sync]:
        """Return the syncs that are held for their contents, longest due for another look first."""
        cursor = self.collection.find(NEEDS_RECHECK).sort("recheck_at", ASCENDING).limit(limit)
        return self._read_all(await cursor.to_list(limit))

    async def put_recheck_back(self, sync_ids: Sequence[str]) -> None:
        """Have the rechecks come again in a minute."""
        await set_aside(self.collection, sync_ids, "recheck_at")

    async def owing(self, after: str, limit: int) -> list[str]:
        """Return the syncs that are not held and still owe a catch-up, by id, from a point on."""
        query = {"owed": True, "_id": {"$gt": after}}
        cursor = self.collection.find(query, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
        return [each["_id"] for each in await cursor.to_list(limit)]

    async def planned_among(self, sync_ids: Iterable[str]) -> set[str]:
        """Return the runs that these syncs have planned and nobody was asked for yet."""
        query = {"_id": {"$in": list(sync_ids)}}
        return set(await self.collection.distinct("planned.run_id", query))

    async def count_of(self, workspace_id: str, most: int, session: Session) -> int:
        """Count a workspace's syncs, up to so many."""
        query = {"workspace_id": workspace_id}
        return await self.collection.count_documents(query, limit=most, session=session)

    async def insert(self, sync: Sync, session: Session) -> None:
        """Store a new sync."""
        await self.collection.insert_one(sync.to_document(), session=session)

    async def delete(self, sync_ids: Iterable[str], session: Session) -> None:
        """Forget syncs."""
        await self.collection.delete_many({"_id": {"$in": list(sync_ids)}}, session=session)

    async def save(self, syncs: Iterable[Sync], session: Session) -> None:
        """Store what has changed of syncs that were read in this transaction."""
        if writes := _writes(syncs):
            await self.collection.bulk_write(writes, ordered=False, session=session)

    async def _get(self, query: Document, session: Session | None) -> Sync | None:
        found = await self.collection.find_one(query, session=session)
        return read(self.collection, Sync.from_document, found) if found else None

    def _read_all(self, found: Iterable[Document]) -> Found[Sync]:
        return read_all(self.collection, Sync.from_document, found)


def _needing(workspace_id: str, connection_id: str) -> Document:
    return {"connection_ids": connection_id, "workspace_id": workspace_id}


def _by_catch_up(connection_id: str) -> list[Document]:
    """Group syncs by `held`, their last catch-up's status, or None; a bad sync breaks nothing."""
    holds: Document = {"$cond": [{"$isArray": "$holds"}, "$holds", []]}
    by_it = {"kind": HoldKind.CONNECTION, "connection_id": connection_id}
    its_own = {
        "$filter": {
            "input": "$holds",
            "cond": {"$and": [{"$eq": [f"$$this.{name}", value]} for name, value in by_it.items()]},
        }
    }
    catch_up = {
        "from": RUNS,
        "localField": "last_catch_up_id",
        "foreignField": "_id",
        "pipeline": [{"$project": {"status": 1}}],
        "as": "catch_up",
    }
    free = {"$cond": [{"$eq": ["$holds", []]}, {"$first": "$catch_up.status"}, None]}
    return [
        {"$project": {"last_catch_up_id": 1, "holds": holds}},
        {"$lookup": catch_up},
        {"$project": {"stands": {"$cond": [{"$ne": [its_own, []]}, HELD_BY_IT, free]}}},
        {"$group": {"_id": "$stands", "syncs": {"$sum": 1}}},
    ]


def _is_text(path: str) -> Document:
    return {"$eq": [{"$type": path}, "string"]}


def _by_base(limit: int) -> list[Document]:
    """Group syncs by the base they write to, and name it as the newest sync does that knows how."""
    names: Document = {"$cond": [{"$eq": [{"$type": "$names"}, "object"]}, "$names", {}]}
    its_own: Document = {
        "$filter": {
            "input": {"$objectToArray": names},
            "cond": {
                "$and": [{"$eq": ["$$this.k", "$destination.base_id"]}, _is_text("$$this.v")],
            },
        }
    }
    named: Document = {"$cond": [{"$eq": ["$called", []]}, None, {"by": "$_id", "it": "$called.v"}]}
    return [
        {"$project": {"base": "$destination.base_id", "name": 1, "called": its_own}},
        {
            "$group": {
                "_id": "$base",
                "syncs": {"$sum": 1},
                "sync_names": {"$minN": {"input": "$name", "n": NAMED_SYNCS}},
                "named": {"$max": named},
            }
        },
        {"$sort": {"_id": ASCENDING}},
        {"$limit": limit},
        {
            "$project": {
                "_id": 0,
                "base_id": "$_id",
                "name": {"$first": "$named.it"},
                "syncs": 1,
                "sync_names": 1,
            }
        },
    ]


def _writes(syncs: Iterable[Sync]) -> list[UpdateOne | UpdateMany]:
    """Return one update per distinct change: thousands of syncs are held by the same few."""
    alike: dict[bytes, list[tuple[str, Document]]] = defaultdict(list)
    for sync in syncs:
        if update := _changes_of(sync):
            alike[bson.encode(_but_for_name(sync, update))].append((sync.id, update))
    return [_update(each) for each in alike.values()]


def _changes_of(sync: Sync) -> Document:
    """Return the update that brings the stored form up to date; empty if it is."""
    now, before = sync.to_document(), sync.stored
    update = {
        "$set": {name: each for name, each in now.items() if before.get(name, ...) != each},
        "$unset": dict.fromkeys(before.keys() - now.keys(), ""),
    }
    return {operator: fields for operator, fields in update.items() if fields}


def _but_for_name(sync: Sync, update: Document) -> Document:
    """Return what an update has in common with others: a place in lists ends with the name."""
    before, now = sync.stored.get("order"), update.get("$set", {}).get("order")
    if not isinstance(before, str) or now is None or before[1:] != now[1:]:
        return update
    return {**update, "$set": {**update["$set"], "order": now[0]}}


def _update(alike: list[tuple[str, Document]]) -> UpdateOne | UpdateMany:
    """Make one update of several that have their changes in common."""
    (id_, update), ids = alike[0], [each for each, _ in alike]
    if len(alike) == 1:
        return UpdateOne({"_id": id_}, update)
    return UpdateMany({"_id": {"$in": ids}}, _keeping_names(update))


def _keeping_names(update: Document) -> Document | list[Document]:
    """Return an update that gives each sync another rank in lists, and leaves its name there."""
    known = {name: {"$literal": each} for name, each in update.get("$set", {}).items()}
    if "order" not in known:
        return update
    rest = {"$substrBytes": ["$order", 1, -1]}
    known["order"] = {"$concat": [update["$set"]["order"][0], rest]}
    gone = [*update.get("$unset", {})]
    return [{"$set": known}, *([{"$unset": gone}] if gone else [])]


INDEXES: list[IndexModel | Retired] = [
    IndexModel(
        [("claimable", ASCENDING), ("due_at", ASCENDING)],
        name="due",
        partialFilterExpression={"claimable": True},
    ),
    IndexModel([("connection_ids", ASCENDING), ("_id", ASCENDING)], name="dependents"),
    LISTED,
    IndexModel(
        [("recheck_at", ASCENDING)],
        name="recheck",
        partialFilterExpression={"recheck_at": {"$type": "date"}},
    ),
    IndexModel(
        [("owed", ASCENDING), ("_id", ASCENDING)],
        name="owing",
        partialFilterExpression={"owed": True},
    ),
    Retired("owed"),
    Retired("workspace"),
]
