"""`/invitations/{token}`: the mail's link; looking at it changes nothing, its buttons answer."""

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import SecretStr
from tablesync.auth_service.api.pages import Pages, shows
from tablesync.auth_service.identity.invitations import Invitations
from tablesync.auth_service.identity.members import Members
from tablesync.auth_service.identity.workspaces import Workspaces
from tablesync.service_kit.http.openapi import NO_TOKEN, declares
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork


def routes(
    units: UnitsOfWork,
    invitations: Invitations,
    workspaces: Workspaces,
    members: Members,
    pages: Pages,
) -> APIRouter:
    """Make the router."""
    router = APIRouter(
        prefix="/invitations",
        tags=["invitations"],
        default_response_class=HTMLResponse,
        responses=shows(404, 410) | declares(503),
    )

    async def what_is_true(token: str) -> HTMLResponse:
        invitation = await invitations.find_by_link(SecretStr(token))
        if invitation is None:
            return pages.unknown_invitation()
        return pages.invitation(
            invitation,
            await workspaces.get(invitation.workspace_id),
            await members.operator(invitation.invited_by),
            is_open=await invitations.is_open(invitation),
            is_member=await members.has_joined(invitation.workspace_id, invitation.email),
        )

    @router.get("/{token}", openapi_extra=NO_TOKEN)
    async def show(token: str) -> HTMLResponse:
        return await what_is_true(token)

    @router.post("/{token}", openapi_extra=NO_TOKEN)
    async def press(token: str, answer: Literal["accept", "decline"] = "accept") -> HTMLResponse:
        invitation = await invitations.find_by_link(SecretStr(token))
        if invitation is not None:
            id_, email = invitation.id, invitation.email
            end = invitations.accept if answer == "accept" else invitations.decline
            await units.run(lambda unit: end(unit, id_, email))
        return await what_is_true(token)

    return router
