"""`/reconnect/{token}`: looking at a link consumes nothing, since mail scanners look too."""

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import SecretStr
from tablesync.auth_service.api.connections import start_url
from tablesync.auth_service.api.pages import no_store
from tablesync.auth_service.consent.authorizations import Authorization
from tablesync.auth_service.parts import Parts
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


def routes(parts: Parts) -> APIRouter:
    """Make the router."""
    links, pages, syncs = parts.links, parts.pages, parts.affected_syncs
    router = APIRouter(prefix="/reconnect", tags=["reconnect"])

    @router.get("/{token}")
    async def show(token: str) -> HTMLResponse:
        link = await links.find(SecretStr(token))
        if link is None or not link.usable:
            return pages.link_over(link)
        connection = link.connection
        return pages.reconnect(link, await syncs.of(connection.workspace_id, connection.id))

    @router.post("/{token}")
    async def start(token: str) -> Response:
        link = await links.find(SecretStr(token))
        if link is None or not link.usable:
            return pages.link_over(link)
        target = link.connection

        async def work(unit: UnitOfWork) -> Authorization:
            return await parts.authorizations.create(
                unit, target.workspace_id, target.owner_id, target.provider, target, by_link=True
            )

        attempt = await parts.units.run(work)
        return RedirectResponse(start_url(parts.settings, attempt), 303, headers=no_store())

    return router
