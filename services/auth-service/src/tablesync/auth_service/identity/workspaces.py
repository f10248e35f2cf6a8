"""Workspaces, operators and their memberships; and who is told about a connection."""

from typing import Annotated, Any

from pydantic import StringConstraints
from tablesync.auth_service import audit
from tablesync.auth_service.store import MEMBERSHIPS, OPERATORS, WORKSPACES
from tablesync.contracts import new_id
from tablesync.contracts.specs import Value
from tablesync.service_kit.http.problems import conflict, not_found
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

# Looser than RFC 5321, and free of its rules about which domains are real.
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)
]
# On one line and without controls: names are shown in mails and lists.
Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\p{Cc}\p{Zl}\p{Zp}]+$"
    ),
]


class Member(Value):
    """An operator in a workspace."""

    operator_id: str
    email: str
    name: str
    role: OperatorRole
    platform: bool = False

    def view(self) -> dict[str, Any]:
        """Return the public form."""
        return {
            "operator_id": self.operator_id,
            "email": self.email,
            "name": self.name,
            "role": self.role.name.lower(),
        }

    def principal(self, workspace_id: str) -> Principal:
        """Return who this is to every service."""
        return Principal(
            operator_id=self.operator_id,
            workspace_id=workspace_id,
            role=self.role,
            platform=self.platform,
        )


def parse_role(name: str) -> OperatorRole:
    """Read a role's name; raises KeyError."""
    return OperatorRole[name.upper()]


class Workspaces:
    """Reads of workspaces and members."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, workspace_id: str) -> Document:
        """Return a workspace; raises Problem 404."""
        document = await self._database[WORKSPACES].find_one({"_id": workspace_id})
        if document is None:
            raise not_found("workspace")
        return {"id": document["_id"], "name": document["name"]}

    async def members(self, workspace_id: str) -> list[Member]:
        """Return all members, highest role first, then by time."""
        cursor = self._database[MEMBERSHIPS].find({"workspace_id": workspace_id})
        rows = await cursor.sort([("role", -1), ("_id", 1)]).to_list(None)
        ids = [row["operator_id"] for row in rows]
        people = self._database[OPERATORS].find({"_id": {"$in": ids}})
        by_id = {person["_id"]: person async for person in people}
        return [_member(row, by_id[row["operator_id"]]) for row in rows]

    async def member(self, workspace_id: str, operator_id: str) -> Member | None:
        """Return one member, or None."""
        row = await self._database[MEMBERSHIPS].find_one({"_id": f"{workspace_id}/{operator_id}"})
        person = await self._database[OPERATORS].find_one({"_id": operator_id})
        return _member(row, person) if row and person else None

    async def memberships_of(self, email: str) -> list[tuple[str, Member]]:
        """Return the workspaces of whoever has this e-mail address, oldest first."""
        person = await self._database[OPERATORS].find_one({"email_key": email.lower()})
        if person is None:
            return []
        rows = self._database[MEMBERSHIPS].find({"operator_id": person["_id"]}).sort("_id", 1)
        return [(row["workspace_id"], _member(row, person)) async for row in rows]

    async def recipients(self, workspace_id: str, owner_id: str | None) -> list[Document]:
        """Return who is told: the owner if still a member, then admins; each address once."""
        members = await self.members(workspace_id)
        owners = [each for each in members if each.operator_id == owner_id]
        admins = [each for each in members if each.role is OperatorRole.ADMIN]
        by_address = {each.email.lower(): each for each in reversed(owners + admins)}
        return [each.view() for each in reversed(by_address.values())]


async def add_member(
    unit: UnitOfWork, principal: Principal, email: str, name: str, role: OperatorRole
) -> Document:
    """Add somebody to the workspace; raises Problem 409 for a member."""
    workspace_id = principal.workspace_id
    people = unit.database[OPERATORS]
    person = await people.find_one({"email_key": email.lower()}, session=unit.session)
    if person is None:
        person = operator_document(new_id("op"), email, name, platform=False)
        await people.insert_one(person, session=unit.session)
    row = membership_document(workspace_id, person["_id"], role)
    query = {"_id": row["_id"]}
    if await unit.database[MEMBERSHIPS].find_one(query, session=unit.session):
        raise conflict("already-a-member", f"{email} is a member of this workspace already.")
    await unit.database[MEMBERSHIPS].insert_one(row, session=unit.session)
    await audit.record(
        unit, workspace_id, principal.operator_id, "member.added", person["_id"], role=role.name
    )
    return _member(row, person).view()


async def remove_member(unit: UnitOfWork, principal: Principal, operator_id: str) -> Document:
    """Take somebody out of the workspace; raises Problem 404, or 409 for the last admin."""
    rows = unit.database[MEMBERSHIPS]
    workspace_id = principal.workspace_id
    row = await rows.find_one({"_id": f"{workspace_id}/{operator_id}"}, session=unit.session)
    if row is None:
        raise not_found("member")
    admins = {"workspace_id": workspace_id, "role": int(OperatorRole.ADMIN)}
    only = await rows.count_documents(admins, session=unit.session) == 1
    if only and row["role"] == OperatorRole.ADMIN:
        raise conflict("last-admin", "A workspace needs an admin; appoint another one first.")
    await rows.delete_one({"_id": row["_id"]}, session=unit.session)
    await audit.record(unit, workspace_id, principal.operator_id, "member.removed", operator_id)
    return {"operator_id": operator_id, "removed": True}


def operator_document(operator_id: str, email: str, name: str, *, platform: bool) -> Document:
    """Return the stored form of an operator."""
    return {
        "_id": operator_id,
        "email": email,
        "email_key": email.lower(),
        "name": name,
        "platform": platform,
    }


def membership_document(workspace_id: str, operator_id: str, role: OperatorRole) -> Document:
    """Return the stored form of a membership."""
    return {
        "_id": f"{workspace_id}/{operator_id}",
        "workspace_id": workspace_id,
        "operator_id": operator_id,
        "role": int(role),
    }


def _member(row: Document, person: Document) -> Member:
    return Member(
        operator_id=person["_id"],
        email=person["email"],
        name=person["name"],
        role=OperatorRole(row["role"]),
        platform=person["platform"],
    )
