"""`/reconnect/{token}`: looking at a link consumes nothing, since mail scanners look too."""

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from tablesync.auth_service.api.connections import start_url
from tablesync.auth_service.api.pages import Pages, no_store, shows, shows_or_declares
from tablesync.auth_service.clients.scheduler import SchedulerClient
from tablesync.auth_service.consent.authorizations import Authorization, Authorizations
from tablesync.auth_service.consent.reconnect_links import ReconnectLinks
from tablesync.auth_service.providers.served import Providers
from tablesync.service_kit.http.openapi import NO_TOKEN
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork


def routes(
    units: UnitsOfWork,
    links: ReconnectLinks,
    authorizations: Authorizations,
    providers: Providers,
    *,
    scheduler: SchedulerClient,
    pages: Pages,
    public_url: str,
) -> APIRouter:
    """Make the router."""
    responses = shows(404, 410) | shows_or_declares(503)
    router = APIRouter(prefix="/reconnect", tags=["reconnect"], responses=responses)

    @router.get("/{token}", response_class=HTMLResponse, openapi_extra=NO_TOKEN)
    async def show(token: str) -> HTMLResponse:
        link = await links.find(SecretStr(token))
        if link is None or not link.usable:
            return pages.link_over(link)
        target = link.connection
        provider = providers.get(target.provider)
        if provider is None:
            return pages.not_served(target.provider)
        syncs = await scheduler.affected_syncs(target.workspace_id, target.id)
        return pages.reconnect(provider, link, syncs)

    @router.post(
        "/{token}", status_code=303, response_class=RedirectResponse, openapi_extra=NO_TOKEN
    )
    async def start(token: str) -> Response:
        link = await links.find(SecretStr(token))
        if link is None or not link.usable:
            return pages.link_over(link)
        target = link.connection
        if providers.get(target.provider) is None:
            return pages.not_served(target.provider)

        async def work(unit: UnitOfWork) -> Authorization:
            return await authorizations.create(
                unit, target.workspace_id, target.owner_id, target.provider, target, by_link=True
            )

        attempt = await units.run(work)
        return RedirectResponse(start_url(public_url, attempt), 303, headers=no_store())

    return router
