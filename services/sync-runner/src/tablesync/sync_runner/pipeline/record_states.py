"""Record states: which row each source record is, and a digest of what it holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pymongo import InsertOne, UpdateOne
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import read_all
from tablesync.sync_runner.store import RECORD_STATES

# How long a refused record rests that nothing has changed for: longer from try to try.
RESTS = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
STATES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Airtable refused, and why: it is not sent again as long as nothing has changed.

    `digest` is that of the cells, `fields` that of the fields as they were; `retry_at` is by the
    database's clock, and None until it is stored.
    """

    digest: bytes
    fields: bytes
    reason: str
    field: str | None
    tries: int = 1
    retry_at: datetime | None = None
    value: str | None = None
    remedy: str | None = None

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form; an earlier version does not tell value and remedy."""
        known = {name: document[name] for name in cls.__slots__ if name in document}
        return cls(**known | {name: bytes(known[name]) for name in ("digest", "fields")})

    def to_document(self) -> Document:
        """Return the stored form."""
        return {name: getattr(self, name) for name in self.__slots__}

    def resting_from(self, now: datetime) -> "Refusal":
        """Return it as it is stored: a new one rests from now on."""
        if self.retry_at is not None:
            return self
        rest = RESTS[min(self.tries, len(RESTS)) - 1]
        return replace(self, retry_at=now + rest)


# What a stored state has only where it is not None.
_OPTIONAL = ("key", "former_key", "refusal", "stored", "lack", "gone")


class Lack(StrEnum):
    """Why a check took a digest away: what its row lacks, until it is written again."""

    ROW = "row"
    CELLS = "cells"
    UNKNOWN = "unknown"  # a lost worker may have written it, or another mapping


@dataclass(frozen=True, slots=True)
class RecordState:
    """What is known of one source record.

    `digest` is None if it is not known what the row holds; `row_id` is None if the record has no
    row, as far as is known; `key`, what its row holds as key, is kept unless it is the record's id.
    `former_key` is what the row may hold instead, where it is not known whether `key` was written,
    or does hold, where a check has found it altered.
    A rejected one without a refusal is looked at in each run, which costs no request to Airtable.
    `stored` is the digest of what Airtable made of the cells, if that is another; `gone` tells what
    became of a record that its source no longer has. Of one that is `new` nothing is stored: it is
    inserted, which costs MongoDB half of what a change does. One that is `touched` was just
    written: which run did it, and when, is stored beside it.
    """

    source_id: str
    digest: bytes | None
    row_id: str | None
    key: str | None = None
    rejected: bool = False
    former_key: str | None = None
    refusal: Refusal | None = None
    stored: bytes | None = None
    lack: Lack | None = None
    gone: str | None = None
    new: bool = field(default=False, compare=False)
    touched: bool = field(default=False, compare=False)

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form."""
        refusal, lack = document.get("refusal"), document.get("lack")
        rejected = document["rejected"]
        return cls(
            source_id=document["source_id"],
            digest=_bytes(document["digest"]),
            row_id=document["row_id"],
            key=document.get("key"),
            rejected=rejected,
            former_key=document.get("former_key"),
            # An earlier version, run again, leaves the refusal of a record that it has written.
            refusal=Refusal.from_document(refusal) if refusal and rejected else None,
            stored=_bytes(document.get("stored")),
            lack=Lack(lack) if lack else None,
            gone=document.get("gone"),
        )

    def to_document(self, sync_id: str) -> Document:
        """Return the stored form, as one of a sync's; what is None and optional is left out."""
        document: Document = {
            "_id": f"{sync_id}/{self.source_id}",
            "sync_id": sync_id,
            "source_id": self.source_id,
            "digest": self.digest,
            "row_id": self.row_id,
            "rejected": self.rejected,
        }
        for name in _OPTIONAL:
            if (each := getattr(self, name)) is not None:
                document[name] = each
        if self.refusal:
            document["refusal"] = self.refusal.to_document()
        return document

    @property
    def held(self) -> bytes | None:
        """The digest of what its row holds when it is read; None if that is not known."""
        return self.stored or self.digest

    @property
    def keys(self) -> list[str]:
        """What its row holds as key, or may hold; nothing without a row."""
        found = (self.key, self.former_key) if self.row_id else ()
        return [each for each in found if each is not None]

    def unknown(self) -> Self:
        """Return it as one of which it is not known what its row holds."""
        return replace(self, digest=None, stored=None, lack=None)

    def maybe_stored(self) -> Self:
        """Return it as one of which it is not known whether it was stored."""
        return replace(self, new=False) if self.new else self

    def without_row(self) -> Self:
        """Return it as one that has no row any more, and is not tried again."""
        return replace(
            self.unknown(), row_id=None, key=None, former_key=None, rejected=False, refusal=None
        )

    def without_key(self) -> Self:
        """Return it as one whose row has no key any more."""
        return replace(self, digest=None, stored=None, key=None, former_key=None, refusal=None)

    def change(self, sync_id: str) -> Document:
        """Return the update that stores it: an optional member that is None is taken away."""
        document = self.to_document(sync_id)
        absent = [name for name in _OPTIONAL if name not in document]
        return {"$set": document, "$unset": dict.fromkeys(absent, "")}


def _bytes(stored: bytes | None) -> bytes | None:
    return None if stored is None else bytes(stored)


@dataclass(frozen=True)
class LastWrite:
    """Which run wrote a record's row last, and when, by the database's clock."""

    run_id: str
    at: datetime


@dataclass
class Seen:
    """What a check has seen, and is to stamp: rows in the table, records at their source."""

    row_ids: set[str] = field(default_factory=set)
    source_ids: set[str] = field(default_factory=set)

    def __or__(self, other: "Seen") -> "Seen":
        """Return what either has seen."""
        return Seen(self.row_ids | other.row_ids, self.source_ids | other.source_ids)


class RecordStates:
    """The states of one sync's records; one that cannot be read is as good as none."""

    def __init__(self, database: Database, sync_id: str, run_id: str | None = None) -> None:
        self._collection = database[RECORD_STATES]
        self._sync_id = sync_id
        self._run_id = run_id
        self._unreadable: set[str] = set()

    async def load(self, source_ids: Sequence[str]) -> dict[str, RecordState]:
        """Return the known states of these records."""
        ids = [f"{self._sync_id}/{each}" for each in source_ids]
        rows = await self._collection.find({"_id": {"$in": ids}}).to_list(None)
        found = read_all(self._collection, RecordState.from_document, rows)
        self._unreadable.update(found.unread_ids)  # they are there all the same
        return {each.source_id: each for each in found.items}

    async def last_write(self, source_id: str) -> LastWrite | None:
        """Return which run wrote a record's row last, if that was noted."""
        query = {"_id": f"{self._sync_id}/{source_id}", "written_by": {"$type": "string"}}
        row = await self._collection.find_one(query, {"written_by": 1, "written_at": 1})
        return LastWrite(row["written_by"], row["written_at"]) if row else None

    async def holders(self, keys: Sequence[str]) -> list[RecordState]:
        """Return the records whose rows hold one of these keys, or may."""
        found: dict[str, RecordState] = {}
        for member in ("key", "former_key"):
            query = {"sync_id": self._sync_id, member: {"$in": list(keys)}, "row_id": {"$ne": None}}
            rows = await self._collection.find(query).to_list(None)
            found |= {each.source_id: each for each in self._read(rows)}
        return list(found.values())

    async def neighbours(self, state: RecordState, limit: int) -> list[str]:
        """Return the ids of so many records on each side of one, by id and by its row's key."""
        if limit == 0:
            return []
        own = {"_id": {"$gt": f"{self._sync_id}/", "$lt": f"{self._sync_id}0"}}
        keyed = {"sync_id": self._sync_id}
        found: list[RecordState] = []
        for member, at, all_ in (
            ("_id", f"{self._sync_id}/{state.source_id}", own),
            ("key", state.keys[0], keyed),
        ):
            for side, direction in (("$gt", 1), ("$lt", -1)):
                query = {"$and": [all_, {member: {side: at}}]}
                cursor = self._collection.find(query).sort(member, direction).limit(limit)
                found += self._read(await cursor.to_list(limit))
        return [each.source_id for each in found]

    async def rejected(self, after: str, limit: int) -> list[RecordState]:
        """Return records that were rejected when last tried, by id, from behind one on."""
        query = {"sync_id": self._sync_id, "rejected": True, "source_id": {"$gt": after}}
        cursor = self._collection.find(query).sort("source_id", 1).limit(limit)
        rows = await cursor.to_list(limit)
        return self._read(rows)

    async def of_rows(self, row_ids: Sequence[str]) -> list[RecordState]:
        """Return the states of the records that these rows are of."""
        query = {"sync_id": self._sync_id, "row_id": {"$in": list(row_ids)}}
        rows = await self._collection.find(query).to_list(None)
        return self._read(rows)

    async def also_of(self, owners: Mapping[str, str]) -> list[RecordState]:
        """Return records that are said to have a row which is another's; `owners` by row id."""
        query = {"sync_id": self._sync_id, "row_id": {"$in": list(owners)}}
        found = self._read(await self._collection.find(query).to_list(None))
        return [each for each in found if owners[each.row_id or ""] != each.source_id]

    async def without_row(self, check_id: str, after: str, limit: int) -> list[RecordState]:
        """Return, by id, records whose row a check has not seen in the table, from behind one."""
        query = {"row_id": {"$ne": None}, "row_seen": {"$ne": check_id}}
        return await self._some(query, after, limit)

    async def gone(self, after: str, limit: int) -> list[RecordState]:
        """Return, by id, records with a row that are known to be gone, from behind one."""
        query = {"sync_id": self._sync_id, "gone": {"$exists": True}, "row_id": {"$ne": None}}
        cursor = self._collection.find({**query, "source_id": {"$gt": after}})
        return self._read(await cursor.sort("source_id", 1).limit(limit).to_list(limit))

    async def unseen(self, check_id: str, after: str, limit: int, *, by_id: bool) -> list[str]:
        """Return records with a row that a check has not seen, and does not know to be gone.

        If they can be read `by_id`, then also those that it has seen before their row was.
        """
        lacking: Document = {"lack": {"$exists": True}}
        unseen: Document = {
            "row_id": {"$ne": None},
            "seen": {"$ne": check_id},
            "$or": [{"gone": {"$exists": False}}, lacking],
        }
        query = {"$or": [unseen, lacking]} if by_id else unseen
        return [each.source_id for each in await self._some(query, after, limit)]

    async def _some(self, query: Document, after: str, limit: int) -> list[RecordState]:
        own = {"$gt": f"{self._sync_id}/{after}", "$lt": f"{self._sync_id}0"}  # "0" follows "/"
        cursor = self._collection.find({"_id": own, **query}).sort("_id", 1).limit(limit)
        return self._read(await cursor.to_list(limit))

    async def save(self, states: Iterable[RecordState], now: datetime, session: Session) -> None:
        """Store states in the transaction that proves the lease; `now` is its time."""
        writes = [self._write(each, now) for each in states]
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=session)

    async def stamp(self, seen: Seen, check_id: str, session: Session) -> None:
        """Note that a check has seen rows and records."""
        rows = {"sync_id": self._sync_id, "row_id": {"$in": list(seen.row_ids)}}
        await self._collection.update_many(rows, {"$set": {"row_seen": check_id}}, session=session)
        own = {"_id": {"$in": [f"{self._sync_id}/{each}" for each in seen.source_ids]}}
        await self._collection.update_many(own, {"$set": {"seen": check_id}}, session=session)

    def _read(self, rows: Sequence[Document]) -> list[RecordState]:
        return read_all(self._collection, RecordState.from_document, rows).items

    def _write(self, state: RecordState, now: datetime) -> UpdateOne | InsertOne[Document]:
        if state.refusal:
            state = replace(state, refusal=state.refusal.resting_from(now))
        change = state.change(self._sync_id)
        if state.touched and self._run_id:
            change["$set"] |= {"written_by": self._run_id, "written_at": now}
        id_ = change["$set"]["_id"]
        if state.new and id_ not in self._unreadable:
            return InsertOne(change["$set"])
        return UpdateOne({"_id": id_}, change, upsert=True)
