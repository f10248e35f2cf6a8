"""The services' databases, as one workspace's documents in one transaction."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from bson.codec_options import CodecOptions
from pymongo.asynchronous.collection import AsyncCollection
from tablesync.demo.furnished.marks import Client, Session

Document: TypeAlias = dict[str, Any]
CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True)


@dataclass(frozen=True)
class Databases:
    """Reads and changes what a workspace has in any of them."""

    client: Client
    prefix: str
    workspace_id: str
    session: Session

    async def all(
        self, place: str, query: Document | None = None, sort: str = "_id"
    ) -> AsyncIterator[Document]:
        """Yield the workspace's documents, as they were when the first one is asked for."""
        wanted = {"workspace_id": self.workspace_id, **(query or {})}
        found = self.collection(place).find(wanted, session=self.session)
        for document in await found.sort(sort).to_list(None):
            yield document

    async def update(self, place: str, document_id: str | None, change: Document) -> None:
        """Change one document by its id."""
        await self.collection(place).update_one({"_id": document_id}, change, session=self.session)

    async def insert(self, place: str, documents: list[Document]) -> None:
        """Add documents, if there are any."""
        if documents:
            await self.collection(place).insert_many(documents, session=self.session)

    def collection(self, place: str) -> AsyncCollection[Document]:
        """Return a collection such as `scheduler.runs`."""
        database, _, name = place.partition(".")
        return self.client[f"{self.prefix}{database}"].get_collection(name, CODEC)
