"""Record states: which row each source record is, and a digest of what it holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from pymongo import UpdateOne
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import read_all
from tablesync.sync_runner.store import RECORD_STATES


@dataclass(frozen=True, slots=True)
class RecordState:
    """What is known of one source record.

    `digest` is None if it is not known what the row holds; `row_id` is None if the record has no
    row, as far as is known; `key`, what its row holds as key, is kept unless it is the record's id.
    """

    source_id: str
    digest: bytes | None
    row_id: str | None
    key: str | None = None
    rejected: bool = False

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Read the stored form."""
        digest = document["digest"]
        return cls(
            source_id=document["source_id"],
            digest=bytes(digest) if digest is not None else None,
            row_id=document["row_id"],
            key=document.get("key"),
            rejected=document["rejected"],
        )

    def to_document(self, sync_id: str) -> Document:
        """Return the stored form, as one of a sync's."""
        return {
            "_id": f"{sync_id}/{self.source_id}",
            "sync_id": sync_id,
            "source_id": self.source_id,
            "digest": self.digest,
            "row_id": self.row_id,
            "rejected": self.rejected,
            **({} if self.key is None else {"key": self.key}),
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

    async def owners(self, keys: Sequence[str]) -> dict[str, RecordState]:
        """Return, by key, the record that has a row with it; a rejected one only if alone."""
        query = {"sync_id": self._sync_id, "key": {"$in": list(keys)}, "row_id": {"$ne": None}}
        rows = await self._collection.find(query).to_list(None)
        found = sorted(self._read(rows), key=lambda each: not each.rejected)
        return {each.key: each for each in found if each.key is not None}

    async def rejected(self, after: str, limit: int) -> list[RecordState]:
        """Return records that were rejected when last tried, by id, from behind one on."""
        query = {"sync_id": self._sync_id, "rejected": True, "source_id": {"$gt": after}}
        cursor = self._collection.find(query).sort("source_id", 1).limit(limit)
        rows = await cursor.to_list(limit)
        return self._read(rows)

    async def save(self, states: Iterable[RecordState], session: Session) -> None:
        """Store states in the transaction that proves the lease."""
        writes = [self._write(each) for each in states]
        if writes:
            await self._collection.bulk_write(writes, ordered=False, session=session)

    def _read(self, rows: Sequence[Document]) -> list[RecordState]:
        return read_all(self._collection, RecordState.from_document, rows).items

    def _write(self, state: RecordState) -> UpdateOne:
        document = state.to_document(self._sync_id)
        return UpdateOne({"_id": document["_id"]}, {"$set": document}, upsert=True)
