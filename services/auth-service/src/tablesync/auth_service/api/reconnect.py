"""`/reconnect/{token}`: looking at a link consumes nothing, since mail scanners look too."""

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from tablesync.auth_service.api.buttons import BUTTON, LinkButtons, depart, form_token
from tablesync.auth_service.api.pages import Pages, ShownInstead, shows, shows_or_declares
from tablesync.auth_service.clients.scheduler import SchedulerClient
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.authorizations import Authorization, Authorizations
from tablesync.auth_service.consent.reconnect_links import LIFETIME, ReconnectLink, ReconnectLinks
from tablesync.auth_service.consent.requests import ConsentRequests
from tablesync.auth_service.opaque_tokens import new_secret
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.providers.served import Providers
from tablesync.service_kit.http.openapi import NO_TOKEN
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork


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
    units: UnitsOfWork,
    links: ReconnectLinks,
    authorizations: Authorizations,
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
        provider, target = opened.provider, opened.connection

        async def work(unit: UnitOfWork) -> Authorization:
            return await authorizations.create(
                unit, target.workspace_id, target.owner_id, target.provider, target, by_link=True
            )

        attempt = await units.run(work)
        # The page was this one, and its link is known to nobody else: no second page follows.
        started = await authorizations.start(attempt, new_secret())
        return depart(provider, started) if started else pages.expired(provider, 410)

    return router
