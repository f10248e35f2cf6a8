"""`/v1`: what somebody may do who is signed in, be it to a workspace or to none."""

from fastapi import APIRouter, Depends
from tablesync.auth_service.api.identity_views import (
    NewWorkspace,
    OwnWorkspaceView,
    ReceivedInvitationView,
)
from tablesync.auth_service.identity.invitation import Invitation
from tablesync.auth_service.identity.invitations import Invitations
from tablesync.auth_service.identity.members import Members
from tablesync.auth_service.identity.own_workspaces import OwnWorkspace, OwnWorkspaces
from tablesync.auth_service.identity.people import Founding, People, Person
from tablesync.auth_service.identity.workspaces import Workspaces
from tablesync.service_kit.http import idempotency, pages
from tablesync.service_kit.http.idempotency import OnceBy
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.problems import not_found
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

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
        return (await own.page(who.email, at)).map(OwnWorkspaceView.of)

    @router.post("", status_code=201)
    async def create_workspace(
        body: NewWorkspace, once: OnceBy[Person] = as_person
    ) -> OwnWorkspaceView:
        async def work(unit: UnitOfWork) -> OwnWorkspaceView:
            made = await founding.found(unit, once.principal, body.name)
            return OwnWorkspaceView.of(OwnWorkspace(*made))

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

    async def view(invitation: Invitation) -> ReceivedInvitationView:
        workspace = await workspaces.get(invitation.workspace_id)
        inviter = await members.operator(invitation.invited_by)
        return ReceivedInvitationView.of(invitation, workspace, inviter)

    @router.get("")
    async def list_received(
        at: PageRequest = A_PAGE, who: Person = person
    ) -> Page[ReceivedInvitationView]:
        page = await invitations.page_for(who.email, at)
        return page.with_items([await view(each) for each in page.items])

    @router.post("/{invitation_id}/accept", responses=declares(404))
    async def accept(invitation_id: str, once: OnceBy[Person] = as_person) -> OwnWorkspaceView:
        async def work(unit: UnitOfWork) -> OwnWorkspaceView:
            member = await invitations.accept(unit, invitation_id, once.principal.email)
            if member is None:
                raise not_found("invitation")
            workspace = await workspaces.get(member.workspace_id)
            return OwnWorkspaceView.of(OwnWorkspace(workspace, member))

        return await once(work)

    return router
