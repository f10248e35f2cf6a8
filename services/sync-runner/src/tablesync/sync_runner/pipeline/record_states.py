"""Record states: which row each source record is, and a digest of what it holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from pymongo import UpdateOne
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import read_all
from tablesync.sync_runner.store import RECORD_STATES

# How long a refused record rests that nothing has changed for: longer from try to try.
RESTS = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1))


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

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form."""
        known = {name: document[name] for name in cls.__slots__}
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


@dataclass(frozen=True, slots=True)
class RecordState:
    """What is known of one source record.

    `digest` is None if it is not known what the row holds; `row_id` is None if the record has no
    row, as far as is known; `key`, what its row holds as key, is kept unless it is the record's id.
    `former_key` is what the row may hold instead, where it is not known whether `key` was written.
    A rejected one without a refusal is looked at in each run, which costs no request to Airtable.
    """

    source_id: str
    digest: bytes | None
    row_id: str | None
    key: str | None = None
    rejected: bool = False
    former_key: str | None = None
    refusal: Refusal | None = None
    gone: str | None = None

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form."""
        digest, refusal = document["digest"], document.get("refusal")
        rejected = document["rejected"]
        return cls(
            source_id=document["source_id"],
            digest=bytes(digest) if digest is not None else None,
            row_id=document["row_id"],
            key=document.get("key"),
            rejected=rejected,
            former_key=document.get("former_key"),
            # An earlier version, run again, leaves the refusal of a record that it has written.
            refusal=Refusal.from_document(refusal) if refusal and rejected else None,
            gone=document.get("gone"),
        )

    def to_document(self, sync_id: str) -> Document:
        """Return the stored form, as one of a sync's; what is None there is left out."""
        return {
            "_id": f"{sync_id}/{self.source_id}",
            "sync_id": sync_id,
            "source_id": self.source_id,
            "digest": self.digest,
            "row_id": self.row_id,
            "rejected": self.rejected,
            **{name: each for name, each in self._optional().items() if each is not None},
        }

    @property
    def keys(self) -> list[str]:
        """What its row holds as key, or may hold; nothing without a row."""
        found = (self.key, self.former_key) if self.row_id else ()
        return [each for each in found if each is not None]

    def without_row(self) -> Self:
        """Return it as one that has no row any more, and is not tried again."""
        return replace(
            self, digest=None, row_id=None, key=None, former_key=None, rejected=False, refusal=None
        )

    def without_key(self) -> Self:
        """Return it as one whose row has no key any more."""
        return replace(self, digest=None, key=None, former_key=None, refusal=None)

    def missing(self) -> list[str]:
        """Return the optional members that it has not."""
        return [name for name, each in self._optional().items() if each is None]

    def _optional(self) -> Mapping[str, Any]:
        refusal = self.refusal.to_document() if self.refusal else None
        return {
            "key": self.key,
            "former_key": self.former_key,
            "refusal": refusal,
            "gone": self.gone,
        }


class RecordStates:
    """The states of one sync's records; one that cannot be read is as good as none."""

    def __init__(self, database: Database, sync_id: str) -> None:
        self._collection = database[RECORD_STATES]
        self._sync_id = sync_id

    async def load(self, source_ids: Sequence[str]) -> dict[str, RecordState]:
        """Return the known states of these records."""
        ids = [f"{self._sync_id}/{each}" for each in source_ids]
        rows = await self._collection.find({"_id": {"$in": ids}}).to_list(None)
        return {each.source_id: each for each in self._read(rows)}

    async def holders(self, keys: Sequence[str]) -> list[RecordState]:
        """Return the records whose rows hold one of these keys, or may."""
        found: dict[str, RecordState] = {}
        for member in ("key", "former_key"):
            query = {"sync_id": self._sync_id, member: {"$in": list(keys)}, "row_id": {"$ne": None}}
            rows = await self._collection.find(query).to_list(None)
            found |= {each.source_id: each for each in self._read(rows)}
        return list(found.values())

    async def rejected(self, after: str, limit: int) -> list[RecordState]:
        """Return records that were rejected when last tried, by id, from behind one on."""
        query = {"sync_id": self._sync_id, "rejected": True, "source_id": {"$gt": after}}
        cursor = self._collection.find(query).sort("source_id", 1).limit(limit)
        rows = await cursor.to_list(limit)
        return self._read(rows)

    async def save(self, states: Iterable[RecordState], now: datetime, session: Session) -> None:
        """Store states in the transaction that proves the lease; `now` is its time."""
        writes = [self._write(each, now) for each in states]
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=session)

    def _read(self, rows: Sequence[Document]) -> list[RecordState]:
        return read_all(self._collection, RecordState.from_document, rows).items

    def _write(self, state: RecordState, now: datetime) -> UpdateOne:
        if state.refusal:
            state = replace(state, refusal=state.refusal.resting_from(now))
        document = state.to_document(self._sync_id)
        change = {"$set": document, "$unset": dict.fromkeys(state.missing(), "")}
        return UpdateOne({"_id": document["_id"]}, change, upsert=True)
