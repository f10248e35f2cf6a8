"""Workspaces: the tenants."""

from collections.abc import Iterable, Set

from tablesync.auth_service.store import WORKSPACES
from tablesync.contracts.specs import Value
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import Found, read, read_all
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Workspace(Value):
    """A tenant."""

    id: str
    name: str

    def to_document(self) -> Document:
        """Return the stored form."""
        return {"_id": self.id, "name": self.name}

    @classmethod
    def from_document(cls, document: Document) -> "Workspace":
        """Read the stored form."""
        return cls(id=document["_id"], name=document["name"])


class Workspaces:
    """The stored workspaces; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self._collection = database[WORKSPACES]

    async def get(self, workspace_id: str) -> Workspace:
        """Return a workspace; raises Problem 404."""
        found = await self.find(workspace_id)
        if found is None:
            raise not_found("workspace")
        return found

    async def find(self, workspace_id: str, session: Session | None = None) -> Workspace | None:
        """Return a workspace, or None."""
        document = await self._collection.find_one({"_id": workspace_id}, session=session)
        return read(self._collection, Workspace.from_document, document) if document else None

    async def named(self, workspace_ids: Iterable[str]) -> Found[Workspace]:
        """Return those of these workspaces that there are."""
        rows = await self._collection.find({"_id": {"$in": [*workspace_ids]}}).to_list(None)
        return read_all(self._collection, Workspace.from_document, rows)

    async def existing(
        self, workspace_ids: Iterable[str], session: Session | None = None
    ) -> Set[str]:
        """Return which of these ids are a workspace's, be it one that cannot be read."""
        query = {"_id": {"$in": [*workspace_ids]}}
        rows = self._collection.find(query, {"_id": 1}, session=session)
        return {row["_id"] async for row in rows}

    async def add(self, unit: UnitOfWork, workspace: Workspace) -> None:
        """Store a new workspace."""
        await self._collection.insert_one(workspace.to_document(), session=unit.session)
