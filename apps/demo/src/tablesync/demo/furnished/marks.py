"""How far a workspace is furnished: what a second start reads, to go on and do nothing twice."""

from enum import IntEnum
from typing import Any, TypeAlias

from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession

Client: TypeAlias = AsyncMongoClient[dict[str, Any]]
Session: TypeAlias = AsyncClientSession
DATABASE = "demo"


class Chapter(IntEnum):
    """What is done; a mark is never taken back."""

    BEGUN = 1
    DATED_BACK = 2
    FURNISHED = 3


class Marks:
    """The mark of one workspace, beside the services' databases: what forgets them, forgets it."""

    def __init__(self, client: Client, prefix: str, workspace_id: str) -> None:
        self._rows = client[f"{prefix}{DATABASE}"]["furnished"]
        self._one = {"_id": workspace_id}

    async def last(self) -> Chapter | None:
        """Return the last chapter that is done, if any is."""
        found = await self._rows.find_one(self._one)
        return Chapter(found["chapter"]) if found else None

    async def set(self, chapter: Chapter, session: Session | None = None) -> None:
        """Note that a chapter is done."""
        await self._rows.update_one(
            self._one, {"$max": {"chapter": chapter.value}}, upsert=True, session=session
        )
