"""Sessions: a sign-in that lasts, known by an opaque secret of which only a digest is stored.

One ends when it is not used for 12 hours, 14 days after it began, or when its owner ends it.
"""

from datetime import datetime, timedelta

from pydantic import SecretStr
from pymongo import ASCENDING, DESCENDING
from tablesync.auth_service.identity.people import Person
from tablesync.auth_service.opaque_tokens import digest, new_secret
from tablesync.auth_service.store import SESSIONS
from tablesync.contracts import new_id
from tablesync.contracts.specs import Value
from tablesync.contracts.wording import one_line
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.mongo import Database, Document, from_now
from tablesync.service_kit.mongo.reading import read
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

PREFIX = "tss_"
IDLE = timedelta(hours=12)
LIFETIME = timedelta(days=14)
# Use is noted once a minute: more would write at every request of a page.
NOTED_EVERY = timedelta(minutes=1)
# Who signs in more often than that has the oldest sign-ins ended.
MOST_OF_A_PERSON = 50
_IS_OPEN: Document = {"$expr": {"$gt": ["$expires_at", "$$NOW"]}}


class Session(Value):
    """A sign-in as stored."""

    id: str
    email: str
    name: str
    device: str
    digest: str
    began_at: datetime
    used_at: datetime
    expires_at: datetime

    @property
    def person(self) -> Person:
        """Whose it is."""
        return Person.model_construct(email=self.email, name=self.name)

    def to_document(self) -> Document:
        """Return the stored form."""
        fields = self.model_dump(exclude={"id"})
        return {"_id": self.id, "email_key": self.email.lower(), **fields}

    @classmethod
    def from_document(cls, document: Document) -> "Session":
        """Read the stored form."""
        return cls.model_validate({**document, "id": document["_id"]})


class Sessions:
    """The stored sign-ins."""

    def __init__(self, database: Database) -> None:
        self._collection = database[SESSIONS]

    async def begin(
        self, unit: UnitOfWork, person: Person, device: str
    ) -> tuple[Session, SecretStr]:
        """Begin one; its secret is in no database."""
        secret = new_secret(PREFIX)
        session = Session(
            id=new_id("ses"),
            email=person.email,
            name=person.name,
            device=one_line(device),
            digest=digest(secret),
            began_at=unit.now,
            used_at=unit.now,
            expires_at=unit.now + IDLE,
        )
        await self._collection.insert_one(session.to_document(), session=unit.session)
        await self._end_oldest(unit, person)
        return session, secret

    async def used(self, secret: SecretStr) -> Session | None:
        """Return the session of this secret, and note that it is used; None if it is over."""
        found = await self._collection.find_one({"digest": digest(secret), **_IS_OPEN})
        if found is None:
            return None
        session = read(self._collection, Session.from_document, found)
        await self._note_use(session)
        return session

    async def page(self, person: Person, at: PageRequest) -> Page[Session]:
        """Return a page of somebody's open sessions, oldest first."""
        query = {"email_key": person.email.lower(), **_IS_OPEN}
        return await read_page(self._collection, query, at, Session.from_document)

    async def end(self, unit: UnitOfWork, person: Person, session_id: str) -> None:
        """End one of somebody's; raises Problem 404."""
        query = {"_id": session_id, "email_key": person.email.lower()}
        result = await self._collection.delete_one(query, session=unit.session)
        if not result.deleted_count:
            raise not_found("session")

    async def end_all(self, unit: UnitOfWork, person: Person) -> int:
        """End all of somebody's, and return how many there were."""
        query = {"email_key": person.email.lower()}
        result = await self._collection.delete_many(query, session=unit.session)
        return result.deleted_count

    async def end_by_secret(self, secret: SecretStr) -> None:
        """End the one of this secret, if there is one: whoever has it may."""
        await self._collection.delete_one({"digest": digest(secret)})

    async def _note_use(self, session: Session) -> None:
        """Have it last longer, as often as that is noted, and never beyond its whole life."""
        query = {
            "_id": session.id,
            "$expr": {"$lte": ["$used_at", from_now(-NOTED_EVERY.total_seconds())]},
        }
        whole = {"$add": ["$began_at", LIFETIME // timedelta(milliseconds=1)]}
        later = {"$min": [from_now(IDLE.total_seconds()), whole]}
        await self._collection.update_one(
            query, [{"$set": {"used_at": "$$NOW", "expires_at": later}}]
        )

    async def _end_oldest(self, unit: UnitOfWork, person: Person) -> None:
        mine = {"email_key": person.email.lower()}
        newest = [("began_at", DESCENDING), ("_id", ASCENDING)]
        cursor = self._collection.find(mine, {"_id": 1}, session=unit.session, sort=newest)
        beyond = [each["_id"] async for each in cursor.skip(MOST_OF_A_PERSON)]
        if beyond:
            await self._collection.delete_many({"_id": {"$in": beyond}}, session=unit.session)
