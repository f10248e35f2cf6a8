"""Every query that services ask while a test plays, and how MongoDB answers it among many.

MongoDB's own profiler writes down what is asked, so that no query has to be listed anywhere: a new
one is looked at as soon as a story comes by it. Each shape is explained on a copy of the databases
in which every document has hundreds like it: half belong to others, and half to whom it belongs to.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pymongo
from pymongo.database import Database
from pymongo.errors import BulkWriteError

Document = dict[str, Any]

DATABASES = ("auth", "scheduler", "runner", "notifier")
PROFILE_BYTES = 128 * 1024 * 1024
# Of each kind; together about 300.
ALIKE = 150
DUPLICATE = 11_000
# What a query may examine beyond what it returns: far less than there are alike.
EXAMINED_FREELY = 60
EXAMINED_PER_RETURNED = 3
_ID = re.compile(r"[a-z]{2,4}_[0-9a-f]{8}-[0-9a-f-]{27}")
_VERBS = ("find", "aggregate", "distinct", "count")
_FIND = ("filter", "sort", "limit", "skip", "hint", "projection", "query", "key", "pipeline")
_CHANGE = ("remove", "update", "new", "upsert", "arrayFilters")


@dataclass(frozen=True)
class Query:
    """A command that a service sent, as it is explained."""

    database: str
    collection: str
    command: Document

    @property
    def place(self) -> str:
        """The collection, with its database."""
        return f"{self.database}.{self.collection}"

    @property
    def shape(self) -> str:
        """What all commands have in common that differ in values alone."""
        return f"{self.place} {_shape(self.command)}"


class QueryPlans:
    """The databases of one platform, watched."""

    def __init__(self, uri: str, prefix: str) -> None:
        self._client: pymongo.MongoClient[Document] = pymongo.MongoClient(uri, tz_aware=True)
        self._prefix = prefix

    def __enter__(self) -> Self:
        for name in DATABASES:
            database = self._client[self._prefix + name]
            database.create_collection("system.profile", capped=True, size=PROFILE_BYTES)
            database.command("profile", 2)
        return self

    def __exit__(self, *_: object) -> None:
        for name in DATABASES:
            database = self._client[self._prefix + name]
            database.command("profile", 0)
            # Nobody may write to it, as whoever empties a database for the next test would.
            database.drop_collection("system.profile")
            self._client.drop_database(self._copy_of(name))
        self._client.close()

    def asked(self) -> list[Query]:
        """Return one query of each shape that was asked until now; what comes later is not seen."""
        found: dict[str, Query] = {}
        for name in DATABASES:
            database = self._client[self._prefix + name]
            database.command("profile", 0)
            for entry in database["system.profile"].find():
                query = _query_of(name, entry)
                if query is not None:
                    found.setdefault(query.shape, query)
        return list(found.values())

    def faults(self, asked: Sequence[Query], exempt: Collection[str] = ()) -> list[str]:
        """Say which queries read collections whole, or much more than they return.

        `exempt` are collections, as `database.name`, or parts of shapes, where there are never many
        documents.
        """
        for name in DATABASES:
            _multiply(self._client[self._prefix + name], self._client[self._copy_of(name)])
        told = (self._fault(q) for q in asked if not any(each in q.shape for each in exempt))
        return [each for each in told if each]

    def _fault(self, query: Query) -> str | None:
        database = self._client[self._copy_of(query.database)]
        plan = database.command("explain", query.command, verbosity="executionStats")
        stages = [each for each in _documents(plan) if "stage" in each]
        if any(each["stage"] == "COLLSCAN" for each in stages):
            return f"{query.shape}: reads the whole collection"
        if (most := max(map(_sorted_in_memory, stages), default=0)) > EXAMINED_FREELY:
            return f"{query.shape}: sorts {most} in memory"
        examined, returned = _examined(plan), _returned(plan)
        if examined <= EXAMINED_FREELY + EXAMINED_PER_RETURNED * returned:
            return None
        return f"{query.shape}: examines {examined} for {returned}"

    def _copy_of(self, name: str) -> str:
        return f"{self._prefix}many_{name}"


def _query_of(name: str, entry: Document) -> Query | None:
    """Read an entry of the profiler; None for what asks no collection of the service's own."""
    collection = entry["ns"].partition(".")[2]
    command = entry.get("command", {})
    if collection.startswith(("system.", "$cmd")) or "$truncated" in command:
        return None
    explained = _explained(collection, entry["op"], command)
    return Query(name, collection, explained) if explained else None


def _explained(collection: str, op: str, command: Document) -> Document | None:
    if op == "update":
        kept = {name: command[name] for name in ("q", "u", "multi", "upsert") if name in command}
        return {"update": collection, "updates": [kept]}
    if op == "remove":
        return {"delete": collection, "deletes": [{"q": command["q"], "limit": 0}]}
    verb = next(
        (each for each in ("find", "aggregate", "distinct", "count") if each in command), ""
    )
    if "findAndModify" in command or "findandmodify" in command:
        return {"findAndModify": collection, **_members(command, (*_FIND, *_CHANGE))}
    if not verb or _is_watch(command):
        return None
    explained: Document = {verb: collection, **_members(command, _FIND)}
    return explained | ({"cursor": {}} if verb == "aggregate" else {})


def _members(command: Document, names: tuple[str, ...]) -> Document:
    return {name: command[name] for name in names if name in command}


def _is_watch(command: Document) -> bool:
    return any("$changeStream" in each for each in command.get("pipeline", []))


def _shape(value: Any) -> Any:
    """Return a command without its values."""
    if isinstance(value, Mapping):
        return {
            name: each if name in {"sort", "key", "limit", "find"} else _shape(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        shapes = [_shape(each) for each in value]
        return list({repr(each): each for each in shapes}.values())
    return value if isinstance(value, str) and value.startswith("$") else "?"


def _multiply(source: Database[Document], target: Database[Document]) -> None:
    """Copy a database, and give every document hundreds that are like it."""
    for name in source.list_collection_names():
        if name.startswith("system."):
            continue
        indexes = [dict(each) for each in source[name].list_indexes() if each["name"] != "_id_"]
        for each in indexes:
            each.pop("v", None)
            keys = list(each.pop("key").items())
            each.pop("expireAfterSeconds", None)
            target[name].create_index(keys, **each)
        unique = {field for each in _unique_keys(source[name]) for field in each}
        rows = list(source[name].find().limit(200))
        few = rows[:20]
        others = [_other(_renamed(each, n), n, unique) for each in few for n in range(ALIKE)]
        siblings = [_other(each, ALIKE + n, unique) for each in few for n in range(ALIKE)]
        for documents in (rows, others, siblings):
            if documents:
                _insert(target, name, documents)


def _unique_keys(collection: Any) -> Iterator[list[str]]:
    for each in collection.list_indexes():
        if each.get("unique"):
            yield list(each["key"])


def _insert(target: Database[Document], name: str, documents: list[Document]) -> None:
    try:
        target[name].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        others = [each for each in error.details["writeErrors"] if each["code"] != DUPLICATE]
        assert not others, others[:1]


def _other(document: Document, number: int, unique: set[str]) -> Document:
    """Return a copy that may stand beside the document, unless several fields forbid it."""
    copy = {**document}
    if isinstance(copy["_id"], str):
        copy["_id"] = f"{copy['_id']}~{number}"
    else:
        del copy["_id"]
    for name in unique & copy.keys():
        if isinstance(copy[name], str):
            copy[name] = f"{copy[name]}~{number}"
    return copy


def _renamed(value: Any, number: int) -> Any:
    """Give each id another end."""
    if isinstance(value, Mapping):
        return {name: _renamed(each, number) for name, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, number) for each in value]
    return _ID.sub(rf"\g<0>~{number}", value) if isinstance(value, str) else value


def _documents(value: Any) -> Iterator[Document]:
    """Yield every document within a plan."""
    if isinstance(value, Mapping):
        yield dict(value)
        for each in value.values():
            yield from _documents(each)
    elif isinstance(value, list):
        for each in value:
            yield from _documents(each)


def _sorted_in_memory(stage: Document) -> int:
    """Return how many documents a stage sorts because no index has them in order."""
    return _taken_in(stage) if stage["stage"] == "SORT" else 0


def _taken_in(stage: Document) -> int:
    return int(stage.get("inputStage", {}).get("nReturned", 0))


def _examined(plan: Document) -> int:
    counts = ("totalKeysExamined", "totalDocsExamined")
    return max((each.get(name, 0) for each in _documents(plan) for name in counts), default=0)


def _returned(plan: Document) -> int:
    """Return what came out in the end, or into a group, and not what stages handed on."""
    ends = [each.get("nReturned", 0) for each in _documents(plan) if "executionSuccess" in each]
    counts = ("nMatched", "nCounted", "nWouldDelete")
    touched = [each.get(name, 0) for each in _documents(plan) for name in counts]
    grouped = [_taken_in(each) for each in _documents(plan) if each.get("stage") == "GROUP"]
    return max([*ends, *touched, *grouped], default=0)
