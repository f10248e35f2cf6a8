"""How connections are used, for all cards of a workspace in one look at its syncs.

A sync of which some part cannot be read counts without that part: it spoils no card.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from tablesync.contracts.public_api.connection_uses import CatchUpProgress, ConnectionUse
from tablesync.contracts.public_api.syncs import SyncState
from tablesync.scheduler.domain.syncs import STATES
from tablesync.scheduler.store.runs import BROUGHT_LESS, OPEN
from tablesync.scheduler.store.runs import COLLECTION as RUNS
from tablesync.scheduler.store.sync_lists import state_of
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import Document

NAMED_RUNS, NAMED_LACKS = 100, 10
_COUNTS = ("read", "written", "unchanged", "rejected")


class ConnectionUses:
    """What all cards of connections show, from the collection `syncs`."""

    def __init__(self, collection: mongo.Collection) -> None:
        self._collection = collection

    async def all_of(
        self, workspace_id: str, only: Collection[str] | None = None
    ) -> list[ConnectionUse]:
        """Return how each connection is used that any sync of a workspace needs, or some do."""
        asked = {} if only is None else {"connection_ids": {"$in": list(only)}}
        rows = await self._collection.aggregate(
            [{"$match": {"workspace_id": workspace_id, **asked}}, _ALIKE]
        ).to_list(None)
        by_id: dict[str, list[Document]] = defaultdict(list)
        for each in rows:
            for connection_id in _texts(each["_id"].get("connection_ids")):
                if only is None or connection_id in only:
                    by_id[connection_id].append(each)
        back = [id_ for id_, parts in by_id.items() if _syncs(parts, "caught_up_for", id_, "open")]
        progress = await self._progress(workspace_id, back)
        return [_use(id_, by_id[id_], progress.get(id_)) for id_ in sorted(by_id)]

    async def _progress(
        self, workspace_id: str, connection_ids: Sequence[str]
    ) -> dict[str, CatchUpProgress]:
        if not connection_ids:
            return {}
        pipeline = _by_catch_up(workspace_id, connection_ids)
        rows = await self._collection.aggregate(pipeline).to_list(None)
        return {each["_id"]: _progress_of(each) for each in rows}


def _by_catch_up(workspace_id: str, connection_ids: Sequence[str]) -> list[Document]:
    """Group the syncs that a connection's return has released by it, with their catch-ups."""
    among = {"$in": list(connection_ids)}
    is_open, failed = ({"$in": [{"$first": "$run.status"}, each]} for each in (OPEN, BROUGHT_LESS))
    gap = {"$first": "$run.gap"}
    return [
        {"$match": {"workspace_id": workspace_id, "connection_ids": among,
                    "last_catch_up_for": among, "holds": []}},
        {"$project": {"last_catch_up_for": 1, "last_catch_up_id": 1}},
        {
            "$lookup": {
                "from": RUNS,
                "localField": "last_catch_up_id",
                "foreignField": "_id",
                "pipeline": [{"$project": {"status": 1, "counts": 1, "gap": 1}}],
                "as": "run",
            }
        },
        {"$project": {"for": "$last_catch_up_for", "open": is_open, "failed": failed, "gap": gap,
                      "id": "$last_catch_up_id", "counts": {"$first": "$run.counts"}}},
        {
            "$group": {
                "_id": "$for",
                "total": {"$sum": 1},
                "open": _count("$open"),
                "failed": _count("$failed"),
                "from": {"$min": _if("date", "$gap.from")},
                "to": {"$max": _if("date", "$gap.to")},
                "slots_missed": {"$sum": "$gap.slots_missed"},
                "interrupted": {"$max": {"$eq": ["$gap.interrupted", True]}},
                "runs": {"$minN": {"input": {"$cond": ["$open", "$id", None]}, "n": NAMED_RUNS}},
                **{each: {"$sum": f"$counts.{each}"} for each in _COUNTS},
            }
        },
    ]  # fmt: skip


def _if(kind: str, path: str, value: Any = None, otherwise: Any = None) -> Document:
    """Return a value, by default what the path names, if that is of a kind."""
    number, type_ = {"$isNumber": path}, {"$eq": [{"$type": path}, kind]}
    return {"$cond": [number if kind == "number" else type_, value or path, otherwise]}


def _count(what: Any) -> Document:
    return {"$sum": {"$cond": [what, 1, 0]}}


# Slots that have passed and nobody has counted yet, as `schedules.slots_between` has them.
_PASSED = {
    "$cond": [
        {
            "$and": [
                {"$eq": [{"$type": "$next_slot_at"}, "date"]},
                {"$lte": ["$next_slot_at", "$$NOW"]},
                {"$isNumber": "$schedule.every_seconds"},
                {"$gt": ["$schedule.every_seconds", 0]},
            ]
        },
        {
            "$add": [
                1,
                {
                    "$floor": {
                        "$divide": [
                            {"$subtract": ["$$NOW", "$next_slot_at"]},
                            {"$multiply": ["$schedule.every_seconds", 1_000]},
                        ]
                    }
                },
            ]
        },
        0,
    ]
}
_CATCHES_UP = {
    "$and": [
        {"$eq": [{"$type": "$last_catch_up_for"}, "string"]},
        {"$eq": ["$holds", []]},
        {"$in": ["$last_catch_up_id", _if("array", "$active_runs", otherwise=[])]},
    ]
}
_STATE = _if("string", "$order", {"$substrBytes": ["$order", 0, 1]})
_WAITS = {"$eq": [_STATE, str(STATES.index(SyncState.WAITING))]}
_MISSED = {"$add": [_if("number", "$missed.slots", otherwise=0), _PASSED]}
_INTERRUPTED = {"$eq": ["$missed.interrupted", True]}
# The holds of a sync for what its connections were not granted.
_LACKED = {
    "$map": {
        "input": {
            "$filter": {
                "input": _if("array", "$holds", otherwise=[]),
                "as": "hold",
                "cond": {
                    "$and": [{"$isArray": "$$hold.lacks"}, {"$ne": ["$$hold.lacks", []]}],
                },
            }
        },
        "as": "hold",
        "in": {"connection_id": "$$hold.connection_id", "cause": "$$hold.cause"},
    }
}
# Syncs of which cards say the same; each counts for both its connections.
_ALIKE: Document = {
    "$group": {
        "_id": {
            "connection_ids": "$connection_ids",
            "state": _STATE,
            "paused_with": "$pause.connection_id",
            "caught_up_for": "$last_catch_up_for",
        },
        "syncs": {"$sum": 1},
        "since": {"$min": {"$cond": [_WAITS, _if("date", "$missed.from_"), None]}},
        "missed": {"$sum": {"$cond": [_WAITS, _MISSED, 0]}},
        "interrupted": {"$max": {"$and": [_WAITS, _INTERRUPTED]}},
        "success": {"$max": _if("date", "$last_success_at")},
        "next": {"$min": {"$cond": ["$claimable", _if("date", "$next_slot_at"), None]}},
        "open": _count(_CATCHES_UP),
        "lacked": {"$addToSet": {"$cond": [_WAITS, _LACKED, []]}},
    }
}


def _use(
    connection_id: str, parts: Sequence[Document], catch_up: CatchUpProgress | None
) -> ConnectionUse:
    states: Counter[str] = Counter()
    for each in parts:
        states[state_of(each["_id"]["state"] or "")] += each["syncs"]
    since = _first(min, (each["since"] for each in parts))
    return ConnectionUse.model_validate(
        {
            "connection_id": connection_id,
            "syncs": states.total(),
            "states": states,
            "paused_with_it": _syncs(parts, "paused_with", connection_id, "syncs"),
            "lacks": _lacks(connection_id, parts),
            "gap": since and _gap({**_sum(parts), "from": since, "to": None}),
            "last_success_at": _first(max, (each["success"] for each in parts)),
            "next_slot_at": _first(min, (each["next"] for each in parts)),
            "catch_up": catch_up,
        }
    )


def _lacks(connection_id: str, parts: Iterable[Document]) -> list[str]:
    """Return in words what syncs wait for that this connection was not granted."""
    holds = (hold for each in parts for held in each["lacked"] for hold in held)
    found = {each.get("cause") for each in holds if each.get("connection_id") == connection_id}
    return sorted(each for each in found if isinstance(each, str))[:NAMED_LACKS]


def _syncs(parts: Iterable[Document], name: str, connection_id: str, counted: str) -> int:
    """Count the syncs that are so with or for this connection, and not their other one."""
    return sum(each[counted] for each in parts if each["_id"].get(name) == connection_id)


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _progress_of(row: Document) -> CatchUpProgress:
    return CatchUpProgress.model_validate(
        {
            "total": row["total"],
            "done": row["total"] - row["open"],
            "failed": row["failed"],
            "gap": _gap(row),
            "counts": {each: row[each] for each in _COUNTS},
            "run_ids": row["runs"],
        }
    )


def _sum(parts: Sequence[Document]) -> Document:
    missed = sum(int(each["missed"]) for each in parts)
    return {"slots_missed": missed, "interrupted": any(each["interrupted"] for each in parts)}


def _gap(row: Document) -> Document:
    return {name: row[name] for name in ("from", "to", "slots_missed", "interrupted")}


def _first(which: Any, moments: Iterable[Any]) -> Any:
    return which((each for each in moments if each is not None), default=None)
