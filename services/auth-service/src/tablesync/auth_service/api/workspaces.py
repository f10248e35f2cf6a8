"""`/v1`: the workspace, its members, whom it has invited, and what was done in it."""

from fastapi import APIRouter, Depends
from tablesync.auth_service.api import identity_views as views
from tablesync.auth_service.audit_trail import AuditTrail
from tablesync.auth_service.consent.leaving import Leaving
from tablesync.auth_service.identity.invitations import Invitations
from tablesync.auth_service.identity.members import Members, parse_role
from tablesync.auth_service.identity.names import Names
from tablesync.auth_service.identity.standing import Standing
from tablesync.auth_service.identity.workspaces import Workspaces
from tablesync.contracts.public_api.people import (
    AuditEntry,
    InvitationView,
    MemberEdit,
    MemberView,
    NewMember,
    RemovedMember,
    WithdrawnInvitation,
    WorkspaceView,
)
from tablesync.service_kit.http import pages
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

A_PAGE = pages.requested(default=1_000, most=1_000)
A_SHORT_PAGE = pages.requested(default=100, most=1_000)


def routes(workspaces: Workspaces, standing: Standing) -> APIRouter:
    """Make the router of the workspace itself."""
    router = APIRouter(prefix="/v1", tags=["workspace"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))

    @router.get("/workspace", responses=declares(404))
    async def show_workspace(who: Principal = viewer) -> WorkspaceView:
        return views.workspace(await workspaces.get(who.workspace_id))

    return router


def audit_routes(trail: AuditTrail, names: Names, standing: Standing) -> APIRouter:
    """Make the router of what was done in it."""
    router = APIRouter(prefix="/v1", tags=["workspace"])
    admin = Depends(standing.told(OperatorRole.ADMIN))

    @router.get("/audit")
    async def list_audit(
        at: PageRequest = A_SHORT_PAGE, who: Principal = admin
    ) -> Page[AuditEntry]:
        page = await trail.page(who.workspace_id, at)
        people = await names.of(each.actor for each in page.items)
        return page.map(lambda each: views.audit_entry(each, people))

    return router


def member_routes(
    units: UnitsOfWork,
    members: Members,
    invitations: Invitations,
    leaving: Leaving,
    standing: Standing,
) -> APIRouter:
    """Make the router of its members."""
    router = APIRouter(prefix="/v1/members", tags=["workspace"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))
    as_admin = standing.once(units, OperatorRole.ADMIN)

    @router.get("")
    async def list_members(at: PageRequest = A_PAGE, who: Principal = viewer) -> Page[MemberView]:
        return (await members.page(who.workspace_id, at)).map(views.member)

    @router.post("", status_code=201, responses=declares(409, 429))
    async def invite_member(body: NewMember, once: Once = as_admin) -> InvitationView:
        async def work(unit: UnitOfWork) -> InvitationView:
            role = parse_role(body.role)
            return views.invitation(
                await invitations.invite(unit, once.principal, body.email, body.name, role)
            )

        return await once(work)

    @router.patch("/{operator_id}", responses=declares(404, 409))
    async def change_role(operator_id: str, body: MemberEdit, once: Once = as_admin) -> MemberView:
        async def work(unit: UnitOfWork) -> MemberView:
            role = parse_role(body.role)
            return views.member(await leaving.change_role(unit, once.principal, operator_id, role))

        return await once(work)

    @router.delete("/{operator_id}", responses=declares(404, 409))
    async def remove_member(operator_id: str, once: Once = as_admin) -> RemovedMember:
        async def work(unit: UnitOfWork) -> RemovedMember:
            await leaving.remove(unit, once.principal, operator_id)
            return RemovedMember(operator_id=operator_id)

        return await once(work)

    return router


def invitation_routes(
    units: UnitsOfWork, invitations: Invitations, standing: Standing
) -> APIRouter:
    """Make the router of whom the workspace has invited, as its admins see it."""
    router = APIRouter(prefix="/v1/invitations", tags=["workspace"])
    admin = Depends(standing.told(OperatorRole.ADMIN))
    as_admin = standing.once(units, OperatorRole.ADMIN)

    @router.get("")
    async def list_invitations(
        at: PageRequest = A_PAGE, who: Principal = admin
    ) -> Page[InvitationView]:
        return (await invitations.page(who.workspace_id, at)).map(views.invitation)

    @router.post("/{invitation_id}/send", responses=declares(404, 429))
    async def send_again(invitation_id: str, once: Once = as_admin) -> InvitationView:
        async def work(unit: UnitOfWork) -> InvitationView:
            sent = await invitations.send_again(unit, once.principal, invitation_id)
            return views.invitation(sent)

        return await once(work)

    @router.delete("/{invitation_id}", responses=declares(404))
    async def withdraw(invitation_id: str, once: Once = as_admin) -> WithdrawnInvitation:
        async def work(unit: UnitOfWork) -> WithdrawnInvitation:
            await invitations.withdraw(unit, once.principal, invitation_id)
            return WithdrawnInvitation(id=invitation_id)

        return await once(work)

    return router
