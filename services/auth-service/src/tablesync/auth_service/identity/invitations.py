"""Invitations: who is to be a member is asked first, by a mail or after signing in.

Whether an address belongs to somebody known elsewhere changes nothing of what is answered here,
nor what is looked up for it.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr
from tablesync.auth_service import audit
from tablesync.auth_service.identity.invitation import (
    DAY,
    LIFETIME,
    Invitation,
    InvitationStatus,
)
from tablesync.auth_service.identity.limits import AS_SHIPPED, LimitSettings
from tablesync.auth_service.identity.members import Member, Members, Membership
from tablesync.auth_service.opaque_tokens import digest, new_secret
from tablesync.auth_service.store import INVITATION_LINKS, INVITATIONS
from tablesync.contracts import MemberInvited, new_id
from tablesync.service_kit.http.pages import Page, PageRequest, read_page
from tablesync.service_kit.http.problems import Problem, conflict, limit_reached, not_found
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo import Database, Document, database_now
from tablesync.service_kit.mongo.reading import read
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork

MAILS_A_DAY = 3
MAILED_A_DAY_BY_A_WORKSPACE = 200
# By all workspaces together; more than this stays unsaid, as it would tell of the others.
INVITED_A_DAY_ELSEWHERE = 5


@dataclass(frozen=True)
class InvitationLink:
    """A fresh link to an invitation: the secret is in no database."""

    secret: SecretStr
    invitation: Invitation


class Invitations:
    """The stored invitations; what is passed a unit belongs to its transaction."""

    def __init__(
        self, database: Database, members: Members, settings: LimitSettings = AS_SHIPPED
    ) -> None:
        self._most_open = settings.auth_open_invitations_per_workspace
        self._database = database
        self._rows = database[INVITATIONS]
        self._links = database[INVITATION_LINKS]
        self._members = members

    # What a workspace does

    async def invite(
        self, unit: UnitOfWork, by: Principal, email: str, name: str, role: OperatorRole
    ) -> Invitation:
        """Invite an address; raises Problem 409 for a member or an open invitation, or one too
        many, or 429."""
        if await self._members.has_address(by.workspace_id, email, unit.session):
            raise conflict("already-a-member", f"{email} is a member of this workspace already.")
        before = await self._of_address(unit, by.workspace_id, email)
        if before is not None and before.is_open(unit.now):
            raise conflict(
                "already-invited",
                f"{email} has been invited already; have that invitation sent again.",
                invitation_id=before.id,
            )
        await self._need_room(unit, by.workspace_id)
        invitation = Invitation(
            id=before.id if before else new_id("inv"),
            workspace_id=by.workspace_id,
            email=email,
            name=name,
            role=role,
            invited_by=by.operator_id,
            status=InvitationStatus.PENDING,
            expires_at=unit.now + LIFETIME,
            mailed_at=before.mailed_at if before else (),
            mails=before.mails if before else 0,
        )
        await self._end_links(unit, invitation)
        await self._send(unit, invitation)
        await _record(unit, by, "member.invited", invitation, role=role.name)
        return invitation

    async def send_again(self, unit: UnitOfWork, by: Principal, invitation_id: str) -> Invitation:
        """Mail an open invitation once more; raises Problem 404 or 429. It then ends later."""
        found = await self._open(unit, by.workspace_id, invitation_id)
        invitation = found.model_copy(update={"expires_at": unit.now + LIFETIME})
        await self._send(unit, invitation)
        await _record(unit, by, "invitation.sent-again", invitation)
        return invitation

    async def withdraw(self, unit: UnitOfWork, by: Principal, invitation_id: str) -> None:
        """Take an open invitation back; raises Problem 404."""
        invitation = await self._open(unit, by.workspace_id, invitation_id)
        await self._end(unit, invitation, InvitationStatus.WITHDRAWN)
        await _record(unit, by, "invitation.withdrawn", invitation)

    async def withdraw_all(self, unit: UnitOfWork, workspace_id: str, invited_by: str) -> None:
        """Take back what somebody sent who has left: they may not bring in anybody any more."""
        query = {
            "workspace_id": workspace_id,
            "invited_by": invited_by,
            "status": InvitationStatus.PENDING,
        }
        change = {"$set": {"status": InvitationStatus.WITHDRAWN}}
        await self._rows.update_many(query, change, session=unit.session)

    async def page(self, workspace_id: str, at: PageRequest) -> Page[Invitation]:
        """Return a page of a workspace's open invitations, oldest first."""
        return await self._page({"workspace_id": workspace_id}, at)

    # What the one invited does

    async def page_for(self, email: str, at: PageRequest) -> Page[Invitation]:
        """Return a page of the open invitations to whoever has this address, oldest first."""
        return await self._page({"email_key": email.lower()}, at)

    async def find_by_link(self, secret: SecretStr) -> Invitation | None:
        """Look at the invitation behind a link, whatever became of it; it changes nothing."""
        link = await self._links.find_one({"_id": digest(secret)})
        found = await self._rows.find_one({"_id": link["invitation_id"]}) if link else None
        return read(self._rows, Invitation.from_document, found) if found else None

    async def accept(self, unit: UnitOfWork, invitation_id: str, email: str) -> Member | None:
        """Make the one invited a member; None unless it is open, and theirs."""
        found = await self._find(unit, _id=invitation_id, email_key=email.lower())
        if found is None or not found.is_open(unit.now):
            return None
        await self._end(unit, found, InvitationStatus.ACCEPTED)
        person = await self._members.person(unit, found.email, found.name)
        membership = Membership(
            workspace_id=found.workspace_id, operator_id=person.id, role=found.role
        )
        await audit.record(
            unit,
            found.workspace_id,
            person.id,
            "invitation.accepted",
            found.id,
            role=found.role.name,
        )
        return await self._members.join(unit, membership, person)

    async def decline(self, unit: UnitOfWork, invitation_id: str, email: str) -> Invitation | None:
        """End an invitation for the one invited; None unless it is open, and theirs."""
        found = await self._find(unit, _id=invitation_id, email_key=email.lower())
        if found is None or not found.is_open(unit.now):
            return None
        await self._end(unit, found, InvitationStatus.WITHDRAWN, declined=True)
        await audit.record(
            unit, found.workspace_id, found.email, "invitation.declined", invitation_id
        )
        return found

    # What its mail says

    async def new_link(
        self, unit: UnitOfWork, workspace_id: str, invitation_id: str
    ) -> InvitationLink:
        """Make a link to an open invitation, for its mail; raises Problem 404."""
        invitation = await self._open(unit, workspace_id, invitation_id)
        link = InvitationLink(new_secret(), invitation)
        row: Document = {
            "_id": digest(link.secret),
            "invitation_id": invitation.id,
            "expires_at": invitation.expires_at,
        }
        await self._links.insert_one(row, session=unit.session)
        return link

    async def is_open(self, invitation: Invitation) -> bool:
        """Whether an invitation can be accepted, by the database's clock."""
        return invitation.is_open(await database_now(self._database))

    async def _send(self, unit: UnitOfWork, invitation: Invitation) -> None:
        """Store an invitation, and have it mailed unless its address has had too much of that."""
        recent = invitation.mailed_within_a_day(unit.now)
        if len(recent) >= MAILS_A_DAY:
            raise _too_many(f"{invitation.email} was mailed {MAILS_A_DAY} times within a day.")
        if await self._mailed_of_late(unit, workspace_id=invitation.workspace_id) >= (
            MAILED_A_DAY_BY_A_WORKSPACE
        ):
            raise _too_many("This workspace has invited too many people within a day.")
        address = invitation.email.lower()
        elsewhere = await self._mailed_of_late(
            unit, email_key=address, workspace_id={"$ne": invitation.workspace_id}
        )
        mailed = {"mailed_at": (*recent, unit.now), "mails": invitation.mails + 1}
        sent = invitation.model_copy(update=mailed)
        await self._rows.replace_one(
            {"_id": sent.id}, sent.to_document(), upsert=True, session=unit.session
        )
        if elsewhere < INVITED_A_DAY_ELSEWHERE:
            unit.publish(_event(sent))

    async def _need_room(self, unit: UnitOfWork, workspace_id: str) -> None:
        """Raise Problem 409 if too many are open already; the audit has these come in turn."""
        still_open = _still_open({"workspace_id": workspace_id}, unit.now)
        if await self._rows.count_documents(still_open, session=unit.session) >= self._most_open:
            raise limit_reached(
                "open invitations to a workspace",
                self._most_open,
                "Wait for answers, or take some back.",
                "AUTH_OPEN_INVITATIONS_PER_WORKSPACE",
            )

    async def _mailed_of_late(self, unit: UnitOfWork, **query: object) -> int:
        late = {**query, "mailed_at": {"$gt": unit.now - DAY}}
        return await self._rows.count_documents(late, session=unit.session)

    async def _end(
        self, unit: UnitOfWork, invitation: Invitation, status: InvitationStatus, **more: bool
    ) -> None:
        change = {"$set": {"status": status, **more}}
        await self._rows.update_one({"_id": invitation.id}, change, session=unit.session)

    async def _end_links(self, unit: UnitOfWork, invitation: Invitation) -> None:
        await self._links.delete_many({"invitation_id": invitation.id}, session=unit.session)

    async def _open(self, unit: UnitOfWork, workspace_id: str, invitation_id: str) -> Invitation:
        found = await self._find(unit, _id=invitation_id, workspace_id=workspace_id)
        if found is None or not found.is_open(unit.now):
            raise not_found("invitation")
        return found

    async def _of_address(
        self, unit: UnitOfWork, workspace_id: str, email: str
    ) -> Invitation | None:
        return await self._find(unit, workspace_id=workspace_id, email_key=email.lower())

    async def _find(self, unit: UnitOfWork, **query: object) -> Invitation | None:
        found = await self._rows.find_one(query, session=unit.session)
        return read(self._rows, Invitation.from_document, found) if found else None

    async def _page(self, query: Document, at: PageRequest) -> Page[Invitation]:
        still_open = _still_open(query, await database_now(self._database))
        return await read_page(self._rows, still_open, at, Invitation.from_document)


async def _record(
    unit: UnitOfWork, by: Principal, action: str, invitation: Invitation, **detail: object
) -> None:
    await audit.record(unit, by.workspace_id, by.operator_id, action, invitation.id, **detail)


def _still_open(query: Document, now: datetime) -> Document:
    return {**query, "status": InvitationStatus.PENDING, "expires_at": {"$gt": now}}


def _event(invitation: Invitation) -> MemberInvited:
    return MemberInvited(
        workspace_id=invitation.workspace_id,
        invitation_id=invitation.id,
        role=invitation.role.name.lower(),
        invited_by=invitation.invited_by,
        mail_number=invitation.mails,
    )


def _too_many(detail: str) -> Problem:
    seconds = str(int(DAY.total_seconds()))
    return Problem(429, "too-many-invitations", detail, headers={"Retry-After": seconds})
