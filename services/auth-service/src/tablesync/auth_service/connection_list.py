"""The list of a workspace's connections: worst first, then by name, and what is found in it."""

from collections.abc import Mapping

from pymongo import UpdateOne
from tablesync.auth_service.connections import RANKS, Badge, Connection, folded
from tablesync.auth_service.store import CONNECTIONS
from tablesync.contracts import Provider
from tablesync.contracts.public_api.connections import ConnectionNames
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.reading import read_or_none

NAMED = 1_000
_NAMES = {"name": 1, "provider": 1, "account.name": 1}
# After all ranks.
_UNREADABLE: Document = {"order": "~", "found_by": ""}


class ConnectionList:
    """Lists the stored connections; one whose state changes meanwhile may move to another page."""

    def __init__(self, database: Database) -> None:
        self._collection = database[CONNECTIONS]

    async def page(
        self, workspace_id: str, at: PageRequest, *, words: str = "", provider: Provider | None
    ) -> Page[Connection]:
        """Return a page of those that each of the words is in, to this provider if one is named.

        Looked through are name, account, address, host and the provider's label.
        """
        await self._put_in_order(workspace_id)
        query: Document = {"workspace_id": workspace_id}
        if provider is not None:
            query["provider"] = provider
        if wanted := folded(words).split():
            query["$expr"] = {"$and": [_is_in(each) for each in wanted]}
        return await read_page(self._collection, query, at, Connection.from_document, by="order")

    async def names(self, workspace_id: str) -> ConnectionNames:
        """Return what a workspace's connections are called, without reading all that they are."""
        await self._put_in_order(workspace_id)
        found = self._collection.find({"workspace_id": workspace_id, "order": {"$lt": "~"}}, _NAMES)
        rows = await found.sort([("order", 1), ("_id", 1)]).limit(NAMED).to_list(NAMED)
        return ConnectionNames.model_validate({"items": [_name(each) for each in rows]})

    async def counts(self, workspace_id: str) -> Mapping[Badge, int]:
        """Count those of each badge that there are any of."""
        await self._put_in_order(workspace_id)
        rank = {"$substrCP": ["$order", 0, 1]}
        rows = self._collection.aggregate(
            [
                {"$match": {"workspace_id": workspace_id}},
                {"$group": {"_id": rank, "count": {"$sum": 1}}},
            ]
        )
        found = {each["_id"]: each["count"] async for each in rows}
        return {badge: found[rank] for badge, rank in RANKS.items() if rank in found}

    async def _put_in_order(self, workspace_id: str) -> None:
        """Give a place to what a version without lists like this has stored, if there is any.

        One may run beside this one, so that no start-up is the last to find some.
        """
        query = {"workspace_id": workspace_id, "order": None}
        writes = [self._placing(each) async for each in self._collection.find(query)]
        if writes:
            await self._collection.bulk_write(writes, ordered=False)

    def _placing(self, document: Document) -> UpdateOne:
        """Place a document, unless it has been stored anew meanwhile."""
        found = read_or_none(self._collection, Connection.from_document, document)
        unchanged = {"_id": document["_id"], "order": None, "sequence": document.get("sequence")}
        return UpdateOne(unchanged, {"$set": found.listed if found else _UNREADABLE})


def _is_in(word: str) -> Document:
    return {"$gte": [{"$indexOfCP": ["$found_by", {"$literal": word}]}, 0]}


def _name(row: Document) -> Document:
    account = row.get("account")
    called = row.get("name") or (account.get("name") if isinstance(account, dict) else None)
    name = called if isinstance(called, str) else row["_id"]
    return {"id": row["_id"], "provider": str(row.get("provider")), "name": name}
