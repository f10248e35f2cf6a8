"""`/invitations/{token}`: the mail's link; looking at it changes nothing, its buttons answer."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import SecretStr
from tablesync.auth_service.api.buttons import BUTTON, LinkButtons, form_token
from tablesync.auth_service.api.pages import Pages, shows
from tablesync.auth_service.identity.invitation import LIFETIME
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
    public_url: str,
) -> APIRouter:
    """Make the router."""
    router = APIRouter(
        prefix="/invitations",
        tags=["invitations"],
        default_response_class=HTMLResponse,
        responses=shows(404, 410) | declares(503),
    )
    buttons = LinkButtons(f"{public_url}/invitations", LIFETIME)

    async def what_is_true(request: Request, link: SecretStr) -> HTMLResponse:
        invitation = await invitations.find_by_link(link)
        if invitation is None:
            return pages.unknown_invitation()
        browser = buttons.browser(request, link)
        page = pages.invitation(
            invitation,
            await workspaces.get(invitation.workspace_id),
            await members.operator(invitation.invited_by),
            is_open=await invitations.is_open(invitation),
            is_member=await members.has_joined(invitation.workspace_id, invitation.email),
            form_token=form_token(browser),
        )
        buttons.remember(page, link, browser)
        return page

    @router.get("/{token}", openapi_extra=NO_TOKEN)
    async def show(request: Request, token: str) -> HTMLResponse:
        return await what_is_true(request, SecretStr(token))

    @router.post(
        "/{token}", responses=shows(403), openapi_extra={**NO_TOKEN, "requestBody": BUTTON}
    )
    async def press(
        request: Request, token: str, answer: Literal["accept", "decline"] = "accept"
    ) -> HTMLResponse:
        link = SecretStr(token)
        invitation = await invitations.find_by_link(link)
        if invitation is not None and await invitations.is_open(invitation):
            if not await buttons.pressed(request, link):
                return pages.not_pressed_here()
            id_, email = invitation.id, invitation.email
            end = invitations.accept if answer == "accept" else invitations.decline
            await units.run(lambda unit: end(unit, id_, email))
        return await what_is_true(request, link)

    return router
