"""`/v1`: what somebody may do who is signed in, be it to a workspace or to none."""

from collections.abc import Sequence
from typing import TypeVar

from fastapi import APIRouter, Depends
from tablesync.auth_service.api import identity_views as views
from tablesync.auth_service.identity.invitation import Invitation
from tablesync.auth_service.identity.invitations import Invitations
from tablesync.auth_service.identity.members import Members
from tablesync.auth_service.identity.own_workspaces import OwnWorkspace, OwnWorkspaces
from tablesync.auth_service.identity.people import Founding, People, Person
from tablesync.auth_service.identity.workspaces import Workspaces
from tablesync.contracts.public_api.people import (
    DeclinedInvitation,
    NewWorkspace,
    OwnWorkspaceView,
    ReceivedInvitationView,
)
from tablesync.service_kit.http import idempotency, pages
from tablesync.service_kit.http.idempotency import OnceBy
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.problems import NOT_FOUND, Problem
from tablesync.service_kit.mongo.reading import Found
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

T = TypeVar("T")

A_PAGE = pages.requested(default=1_000, most=1_000)


def workspace_routes(
    units: UnitsOfWork, people: People, own: OwnWorkspaces, founding: Founding
) -> APIRouter:
    """Make the routes of one's own workspaces."""
    router = APIRouter(prefix="/v1/workspaces", tags=["people"])
    person, as_person = Depends(people.signed_in), idempotency.dependency(units, people.signed_in)

    @router.get("")
    async def list_workspaces(
        at: PageRequest = A_PAGE, who: Person = person
    ) -> Page[OwnWorkspaceView]:
        return (await own.page(who.email, at)).map(views.own_workspace)

    @router.post("", status_code=201, responses=declares(409))
    async def create_workspace(
        body: NewWorkspace, once: OnceBy[Person] = as_person
    ) -> OwnWorkspaceView:
        async def work(unit: UnitOfWork) -> OwnWorkspaceView:
            made = await founding.found(unit, once.principal, body.name)
            return views.own_workspace(OwnWorkspace(*made))

        return await once(work)

    return router


def invitation_routes(
    units: UnitsOfWork,
    people: People,
    invitations: Invitations,
    workspaces: Workspaces,
    members: Members,
) -> APIRouter:
    """Make the routes of the invitations that one has received."""
    router = APIRouter(prefix="/v1/received-invitations", tags=["people"])
    person, as_person = Depends(people.signed_in), idempotency.dependency(units, people.signed_in)

    async def told(invitations: Sequence[Invitation]) -> Found[ReceivedInvitationView]:
        """Show what comes from workspaces that can be read, whoever invites."""
        inviting = await workspaces.named(each.workspace_id for each in invitations)
        askers = await members.operators(each.invited_by for each in invitations)
        known = {each.id: each for each in inviting.items}
        inviters = {each.id: each for each in askers.items}
        shown = [
            views.received_invitation(each, known[each.workspace_id], inviters.get(each.invited_by))
            for each in invitations
            if each.workspace_id in known
        ]
        return Found(shown, inviting.unread_ids)

    @router.get("")
    async def list_received(
        at: PageRequest = A_PAGE, who: Person = person
    ) -> Page[ReceivedInvitationView]:
        page = await invitations.page_for(who.email, at)
        return page.with_found(await told(page.items))

    @router.post("/{invitation_id}/decline", responses=declares(404))
    async def decline(invitation_id: str, once: OnceBy[Person] = as_person) -> DeclinedInvitation:
        async def work(unit: UnitOfWork) -> DeclinedInvitation:
            found = await invitations.decline(unit, invitation_id, once.principal.email)
            return DeclinedInvitation(id=_theirs(found).id)

        return await once(work)

    @router.post("/{invitation_id}/accept", responses=declares(404))
    async def accept(invitation_id: str, once: OnceBy[Person] = as_person) -> OwnWorkspaceView:
        async def work(unit: UnitOfWork) -> OwnWorkspaceView:
            found = await invitations.accept(unit, invitation_id, once.principal.email)
            member = _theirs(found)
            workspace = await workspaces.get(member.workspace_id)
            return views.own_workspace(OwnWorkspace(workspace, member))

        return await once(work)

    return router


def _theirs(found: T | None) -> T:
    """Return it; raises the one Problem for what does not exist, is over, or is another's."""
    if found is None:
        detail = "There is no such invitation to you, or it cannot be accepted any more."
        raise Problem(404, NOT_FOUND, detail)
    return found
