"""Operators and their memberships of workspaces; and who is told about a connection."""

from collections.abc import Iterable

from pymongo import ReturnDocument
from tablesync.auth_service import audit
from tablesync.auth_service.store import MEMBERSHIPS, OPERATORS
from tablesync.contracts import new_id
from tablesync.contracts.specs import Value
from tablesync.service_kit.http.pages import Page, PageRequest, find_page, read_page
from tablesync.service_kit.http.problems import conflict, not_found
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo import Database, Document, Session
from tablesync.service_kit.mongo.reading import Found, read, read_all
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Operator(Value):
    """A person, known by an e-mail address; `platform` is who runs TableSync itself."""

    id: str
    email: str
    name: str
    platform: bool = False

    def to_document(self) -> Document:
        """Return the stored form."""
        return {
            "_id": self.id,
            "email": self.email,
            "email_key": self.email.lower(),
            "name": self.name,
            "platform": self.platform,
        }

    @classmethod
    def from_document(cls, document: Document) -> "Operator":
        """Read the stored form."""
        return cls.model_validate({**document, "id": document["_id"]})


class Membership(Value):
    """What an operator may do in a workspace."""

    workspace_id: str
    operator_id: str
    role: OperatorRole

    def to_document(self) -> Document:
        """Return the stored form."""
        return {"_id": _id(self.workspace_id, self.operator_id), **self.model_dump()}

    @classmethod
    def from_document(cls, document: Document) -> "Membership":
        """Read the stored form."""
        return cls.model_validate(document)


class Member(Value):
    """An operator in a workspace."""

    workspace_id: str
    operator: Operator
    role: OperatorRole

    def principal(self) -> Principal:
        """Return who this is to every service."""
        return Principal(
            operator_id=self.operator.id,
            workspace_id=self.workspace_id,
            role=self.role,
            platform=self.operator.platform,
        )


def parse_role(name: str) -> OperatorRole:
    """Read a role's name; raises KeyError."""
    return OperatorRole[name.upper()]


class Members:
    """The stored operators and memberships; what is passed a session belongs to its transaction."""

    def __init__(self, database: Database) -> None:
        self._memberships = database[MEMBERSHIPS]
        self._operators = database[OPERATORS]

    async def page(self, workspace_id: str, at: PageRequest) -> Page[Member]:
        """Return a page of members, highest role first, then whoever came last."""
        query = {"workspace_id": workspace_id}
        rows = await find_page(self._memberships, query, at, by="role", descending=True)
        return rows.with_found(await self._members(rows.items))

    async def find(
        self, workspace_id: str, operator_id: str, session: Session | None = None
    ) -> Member | None:
        """Return one member, or None."""
        query = {"_id": _id(workspace_id, operator_id)}
        row = await self._memberships.find_one(query, session=session)
        members = (await self._members([row] if row else [])).items
        return members[0] if members else None

    async def of_person(self, email: str) -> list[Member]:
        """Return whoever has this e-mail address as a member of each of their workspaces."""
        person = await self.find_operator(email)
        if person is None:
            return []
        rows = await self._memberships.find({"operator_id": person.id}).sort("_id", 1).to_list(None)
        found = read_all(self._memberships, Membership.from_document, rows)
        return [_member(each, person) for each in found.items]

    async def page_of_person(self, email: str, at: PageRequest) -> Page[Member]:
        """Return a page of the same."""
        person = await self.find_operator(email)
        if person is None:
            return Page(items=[], next_cursor=None)
        query = {"operator_id": person.id}
        found = await read_page(self._memberships, query, at, Membership.from_document)
        return found.map(lambda each: _member(each, person))

    async def has_joined(self, workspace_id: str, email: str) -> bool:
        """Whether somebody with this e-mail address is a member, as it is now."""
        return workspace_id in {each.workspace_id for each in await self.of_person(email)}

    async def find_operator(self, email: str, session: Session | None = None) -> Operator | None:
        """Return whoever has this e-mail address, in whatever spelling."""
        query = {"email_key": email.lower()}
        document = await self._operators.find_one(query, session=session)
        return read(self._operators, Operator.from_document, document) if document else None

    async def operator(self, operator_id: str) -> Operator | None:
        """Return a person by id, whatever they are a member of."""
        document = await self._operators.find_one({"_id": operator_id})
        return read(self._operators, Operator.from_document, document) if document else None

    async def operators(self, operator_ids: Iterable[str]) -> Found[Operator]:
        """Return those of these people that there are."""
        rows = await self._operators.find({"_id": {"$in": [*operator_ids]}}).to_list(None)
        return read_all(self._operators, Operator.from_document, rows)

    async def recipients(self, workspace_id: str, owner_id: str | None) -> list[Member]:
        """Return who is told: the owner if still a member, then admins."""
        wanted = [{"operator_id": owner_id}, {"role": OperatorRole.ADMIN}]
        query: Document = {"workspace_id": workspace_id, "$or": wanted}
        rows = await self._memberships.find(query).sort("_id", 1).to_list(None)
        members = (await self._members(rows)).items
        return sorted(members, key=lambda each: each.operator.id != owner_id)

    async def has_address(self, workspace_id: str, email: str, session: Session) -> bool:
        """Whether somebody with this e-mail address is a member; both look-ups are always made."""
        person = await self.find_operator(email, session)
        operator_id = person.id if person else "nobody"
        return await self._membership(workspace_id, operator_id, session) is not None

    async def person(self, unit: UnitOfWork, email: str, name: str) -> Operator:
        """Return whoever has this e-mail address; somebody new gets this name."""
        known = await self.find_operator(email, unit.session)
        if known is not None:
            return known
        person = Operator(id=new_id("op"), email=email, name=name)
        await self.add_operator(unit, person)
        return person

    async def act(self, unit: UnitOfWork, workspace_id: str, operator_id: str) -> Membership | None:
        """Count an act of a member, and return what they may do; None for who is none by now.

        Counting writes the membership, so that whoever ends or changes it meanwhile and this act
        cannot both go by what they have read: MongoDB has one of them repeated.
        """
        document = await self._memberships.find_one_and_update(
            {"_id": _id(workspace_id, operator_id)}, {"$inc": {"acts": 1}}, session=unit.session
        )
        return read(self._memberships, Membership.from_document, document) if document else None

    async def remove(self, unit: UnitOfWork, by: Principal, operator_id: str) -> None:
        """Take somebody out of the workspace; raises Problem 404, or 409 for the last admin."""
        membership = await self._needed(unit, by, operator_id)
        if membership.role is OperatorRole.ADMIN:
            await self._need_another_admin(unit, by.workspace_id)
        query = {"_id": _id(by.workspace_id, operator_id)}
        await self._memberships.delete_one(query, session=unit.session)
        await audit.record(unit, by.workspace_id, by.operator_id, "member.removed", operator_id)

    async def change_role(
        self, unit: UnitOfWork, by: Principal, operator_id: str, role: OperatorRole
    ) -> OperatorRole:
        """Give a member another role and return the one before; raises Problem 404 or 409."""
        before = (await self._needed(unit, by, operator_id)).role
        if before is OperatorRole.ADMIN and role is not OperatorRole.ADMIN:
            await self._need_another_admin(unit, by.workspace_id)
        if role is not before:
            query = {"_id": _id(by.workspace_id, operator_id)}
            change = {"$set": {"role": role}}
            await self._memberships.update_one(query, change, session=unit.session)
            said = {"role": role.name, "before": before.name}
            await audit.record(
                unit, by.workspace_id, by.operator_id, "member.role-changed", operator_id, **said
            )
        return before

    async def count_founded(self, unit: UnitOfWork, operator_id: str) -> int:
        """Count one more workspace that a person has founded; return how many they are."""
        document = await self._operators.find_one_and_update(
            {"_id": operator_id},
            {"$inc": {"founded": 1}},
            return_document=ReturnDocument.AFTER,
            session=unit.session,
        )
        return int(document["founded"])

    async def add_operator(self, unit: UnitOfWork, operator: Operator) -> None:
        """Store a new person."""
        await self._operators.insert_one(operator.to_document(), session=unit.session)

    async def join(self, unit: UnitOfWork, membership: Membership, person: Operator) -> Member:
        """Make a person a member; whoever is one keeps the role."""
        workspace_id, operator_id = membership.workspace_id, person.id
        known = await self._membership(workspace_id, operator_id, unit.session)
        if known is None:
            await self._memberships.insert_one(membership.to_document(), session=unit.session)
        return _member(known or membership, person)

    async def _needed(self, unit: UnitOfWork, by: Principal, operator_id: str) -> Membership:
        """Return a membership of the caller's workspace; raises Problem 404."""
        membership = await self._membership(by.workspace_id, operator_id, unit.session)
        if membership is None:
            raise not_found("member")
        return membership

    async def _need_another_admin(self, unit: UnitOfWork, workspace_id: str) -> None:
        """Raise Problem 409 unless somebody else is an admin; the audit has these come in turn."""
        admins = {"workspace_id": workspace_id, "role": OperatorRole.ADMIN}
        if await self._memberships.count_documents(admins, session=unit.session) == 1:
            raise conflict("last-admin", "A workspace needs an admin; appoint another one first.")

    async def _membership(
        self, workspace_id: str, operator_id: str, session: Session
    ) -> Membership | None:
        query = {"_id": _id(workspace_id, operator_id)}
        document = await self._memberships.find_one(query, session=session)
        return read(self._memberships, Membership.from_document, document) if document else None

    async def _members(self, rows: list[Document]) -> Found[Member]:
        """Return the members that these memberships make of people."""
        memberships = read_all(self._memberships, Membership.from_document, rows)
        people = await self.operators(each.operator_id for each in memberships.items)
        known = {each.id: each for each in people.items}
        members = [
            _member(each, known[each.operator_id])
            for each in memberships.items
            if each.operator_id in known
        ]
        return Found(members, [*memberships.unread_ids, *people.unread_ids])


def _member(membership: Membership, operator: Operator) -> Member:
    return Member(workspace_id=membership.workspace_id, operator=operator, role=membership.role)


def _id(workspace_id: str, operator_id: str) -> str:
    return f"{workspace_id}/{operator_id}"
