"""`/v1/invitations`: whom the workspace has invited, as its admins see it."""

from fastapi import APIRouter, Depends
from tablesync.auth_service.api.identity_views import InvitationView, WithdrawnInvitation
from tablesync.auth_service.identity.invitations import Invitations
from tablesync.auth_service.identity.standing import Standing
from tablesync.service_kit.http import pages
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

A_PAGE = pages.requested(default=1_000, most=1_000)


def routes(units: UnitsOfWork, invitations: Invitations, standing: Standing) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/v1/invitations", tags=["workspace"])
    admin = Depends(standing.told(OperatorRole.ADMIN))
    as_admin = standing.once(units, OperatorRole.ADMIN)

    @router.get("")
    async def list_invitations(
        at: PageRequest = A_PAGE, who: Principal = admin
    ) -> Page[InvitationView]:
        return (await invitations.page(who.workspace_id, at)).map(InvitationView.of)

    @router.post("/{invitation_id}/send", responses=declares(404, 429))
    async def send_again(invitation_id: str, once: Once = as_admin) -> InvitationView:
        async def work(unit: UnitOfWork) -> InvitationView:
            sent = await invitations.send_again(unit, once.principal, invitation_id)
            return InvitationView.of(sent)

        return await once(work)

    @router.delete("/{invitation_id}", responses=declares(404))
    async def withdraw(invitation_id: str, once: Once = as_admin) -> WithdrawnInvitation:
        async def work(unit: UnitOfWork) -> WithdrawnInvitation:
            await invitations.withdraw(unit, once.principal, invitation_id)
            return WithdrawnInvitation(id=invitation_id)

        return await once(work)

    return router
