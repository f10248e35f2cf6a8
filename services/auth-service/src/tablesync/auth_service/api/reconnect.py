"""`/reconnect/{token}`: looking at a link consumes nothing, since mail scanners look too."""

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from tablesync.auth_service.api.buttons import BUTTON, LinkButtons, depart, form_token
from tablesync.auth_service.api.pages import Pages, ShownInstead, shows, shows_or_declares
from tablesync.auth_service.clients.scheduler import SchedulerClient
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.reconnect_links import LIFETIME, ReconnectLink, ReconnectLinks
from tablesync.auth_service.consent.requests import ConsentRequests
from tablesync.auth_service.consent.starting_by_link import StartingByLink
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.providers.served import Providers
from tablesync.service_kit.http.openapi import NO_TOKEN


@dataclass(frozen=True)
class _Opened:
    """A usable link that was opened, and the provider that it leads to."""

    secret: SecretStr
    link: ReconnectLink
    provider: OAuthProvider

    @property
    def connection(self) -> Connection:
        """What is to be reconnected."""
        return self.link.connection


def routes(
    links: ReconnectLinks,
    starting: StartingByLink,
    requests: ConsentRequests,
    providers: Providers,
    public_url: str,
    *,
    scheduler: SchedulerClient,
    pages: Pages,
) -> APIRouter:
    """Make the router."""
    responses = shows(404, 410) | shows_or_declares(503)
    router = APIRouter(prefix="/reconnect", tags=["reconnect"], responses=responses)
    buttons = LinkButtons(f"{public_url}/reconnect", LIFETIME)

    async def open_link(token: str) -> _Opened:
        secret = SecretStr(token)
        link = await links.find(secret)
        if link is None or not link.usable:
            raise ShownInstead(pages.link_over(link))
        provider = providers.get(link.connection.provider)
        if provider is None:
            raise ShownInstead(pages.not_served(link.connection.provider))
        return _Opened(secret, link, provider)

    opening = Depends(open_link)

    @router.get("/{token}", response_class=HTMLResponse, openapi_extra=NO_TOKEN)
    async def show(request: Request, opened: _Opened = opening) -> HTMLResponse:
        target = opened.connection
        syncs = await scheduler.affected_syncs(target.workspace_id, target.id)
        workspace = await requests.workspace_of(target)
        browser = buttons.browser(request, opened.secret)
        page = pages.reconnect(opened.provider, opened.link, workspace, syncs, form_token(browser))
        buttons.remember(page, opened.secret, browser)
        return page

    @router.post(
        "/{token}",
        status_code=303,
        response_class=RedirectResponse,
        responses=shows(403),
        openapi_extra={**NO_TOKEN, "requestBody": BUTTON},
    )
    async def start(request: Request, opened: _Opened = opening) -> Response:
        if not await buttons.pressed(request, opened.secret):
            return pages.not_pressed_here()
        started = await starting.start(opened.link)
        return depart(opened.provider, started) if started else pages.link_over(opened.link)

    return router
