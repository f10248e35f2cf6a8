"""`/reconnect/{token}`: looking at a link consumes nothing, since mail scanners look too."""

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from tablesync.auth_service.api.departure import depart
from tablesync.auth_service.api.pages import Pages, shows, shows_or_declares
from tablesync.auth_service.clients.scheduler import SchedulerClient
from tablesync.auth_service.consent.authorizations import Authorization, Authorizations
from tablesync.auth_service.consent.reconnect_links import ReconnectLinks
from tablesync.auth_service.consent.requests import ConsentRequests
from tablesync.auth_service.opaque_tokens import new_secret
from tablesync.auth_service.providers.served import Providers
from tablesync.service_kit.http.openapi import NO_TOKEN
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork


def routes(
    units: UnitsOfWork,
    links: ReconnectLinks,
    authorizations: Authorizations,
    requests: ConsentRequests,
    providers: Providers,
    *,
    scheduler: SchedulerClient,
    pages: Pages,
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
        return pages.reconnect(provider, link, await requests.workspace_of(target), syncs)

    @router.post(
        "/{token}", status_code=303, response_class=RedirectResponse, openapi_extra=NO_TOKEN
    )
    async def start(token: str) -> Response:
        link = await links.find(SecretStr(token))
        if link is None or not link.usable:
            return pages.link_over(link)
        target = link.connection
        provider = providers.get(target.provider)
        if provider is None:
            return pages.not_served(target.provider)

        async def work(unit: UnitOfWork) -> Authorization:
            return await authorizations.create(
                unit, target.workspace_id, target.owner_id, target.provider, target, by_link=True
            )

        attempt = await units.run(work)
        # The page was this one, and its link is known to nobody else: no second page follows.
        started = await authorizations.start(attempt, new_secret())
        return depart(provider, started) if started else pages.expired(provider, 410)

    return router
