"""Reads and writes of drafts: each is one person's in one workspace."""

from pymongo import ASCENDING, DESCENDING, IndexModel
from tablesync.scheduler.drafts.draft import KEEP_DAYS, Draft
from tablesync.service_kit.http.user_auth import Principal
from tablesync.service_kit.mongo import Collection, Database, Document, Session
from tablesync.service_kit.mongo.indexes import expiry
from tablesync.service_kit.mongo.reading import Found, read, read_all

COLLECTION = "sync_drafts"


class DraftStore:
    """The collection `sync_drafts`, of all workspaces."""

    def __init__(self, database: Database) -> None:
        self._collection: Collection = database[COLLECTION]

    async def get_of(
        self, who: Principal, id_: str, session: Session | None = None
    ) -> Draft | None:
        """Return one of somebody's; raises UnreadableDocumentError."""
        query = {"_id": id_, **_whose(who)}
        found = await self._collection.find_one(query, session=session)
        return read(self._collection, Draft.from_document, found) if found else None

    async def open_of(self, who: Principal, limit: int) -> Found[Draft]:
        """Return somebody's that are not finished, the newest first, without their contents."""
        found = self._collection.find(_open(who), {"contents": 0})
        documents = await found.sort("changed_at", DESCENDING).limit(limit).to_list(limit)
        without = [{**each, "contents": ""} for each in documents]
        return read_all(self._collection, Draft.from_document, without)

    async def count_open_of(self, who: Principal, limit: int, session: Session) -> int:
        """Count somebody's that are not finished, up to a limit."""
        count: int = await self._collection.count_documents(
            _open(who), limit=limit, session=session
        )
        return count

    async def insert(self, draft: Draft, session: Session) -> None:
        """Store a new one."""
        await self._collection.insert_one(draft.to_document(), session=session)

    async def save(self, draft: Draft, session: Session) -> None:
        """Store one that was read in this transaction."""
        await self._collection.replace_one({"_id": draft.id}, draft.to_document(), session=session)

    async def delete(self, id_: str, session: Session) -> None:
        """Forget one."""
        await self._collection.delete_one({"_id": id_}, session=session)


def _whose(who: Principal) -> Document:
    return {"workspace_id": who.workspace_id, "operator_id": who.operator_id}


def _open(who: Principal) -> Document:
    return {**_whose(who), "sync_id": None}


INDEXES = [
    IndexModel(
        [
            ("workspace_id", ASCENDING),
            ("operator_id", ASCENDING),
            ("sync_id", ASCENDING),
            ("changed_at", DESCENDING),
        ],
        name="whose",
    ),
    expiry("changed_at", KEEP_DAYS),
]
