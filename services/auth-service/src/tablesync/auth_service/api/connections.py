"""`/v1`: connections, and what can be connected."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from tablesync.auth_service.api.views import ConnectionViews, connection_entry, provider_view
from tablesync.auth_service.audit_trail import AuditTrail
from tablesync.auth_service.connection_list import ConnectionList
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.grants.disconnect import Disconnecting
from tablesync.auth_service.identity.names import Names
from tablesync.auth_service.identity.standing import Standing
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts import Provider
from tablesync.contracts.names import LONGEST
from tablesync.contracts.public_api.connections import (
    ConnectionCounts,
    ConnectionEdit,
    ConnectionEntry,
    ConnectionNames,
    ConnectionView,
    ProviderList,
)
from tablesync.service_kit.http import pages
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

A_PAGE = pages.requested(default=1_000, most=1_000)
A_SHORT_PAGE = pages.requested(default=100, most=1_000)


Words = Annotated[
    str,
    Query(
        max_length=LONGEST,
        description="Words to be found in the name, account, address, host or provider.",
    ),
]


def list_routes(listed: ConnectionList, views: ConnectionViews, standing: Standing) -> APIRouter:
    """Make the routes of all connections together; their paths come before those of one."""
    router = APIRouter(prefix="/v1", tags=["connections"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))

    @router.get("/connections")
    async def list_connections(
        q: Words = "",
        provider: Provider | None = None,
        at: PageRequest = A_PAGE,
        who: Principal = viewer,
    ) -> Page[ConnectionView]:
        page = await listed.page(who.workspace_id, at, words=q, provider=provider)
        return page.with_items(await views.of(page.items))

    @router.get("/connections/counts")
    async def count_connections(who: Principal = viewer) -> ConnectionCounts:
        badges = await listed.counts(who.workspace_id)
        return ConnectionCounts(total=sum(badges.values()), badges={**badges})

    @router.get("/connections/names")
    async def name_connections(who: Principal = viewer) -> ConnectionNames:
        """Show what connections are called, worst first: a thousand at most."""
        return await listed.names(who.workspace_id)

    return router


def routes(
    units: UnitsOfWork,
    connections: Connections,
    views: ConnectionViews,
    disconnecting: Disconnecting,
    standing: Standing,
) -> APIRouter:
    """Make the routes of connections."""
    router = APIRouter(prefix="/v1", tags=["connections"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))
    as_operator = standing.once(units, OperatorRole.OPERATOR)

    @router.get("/connections/{connection_id}", responses=declares(404))
    async def show_connection(connection_id: str, who: Principal = viewer) -> ConnectionView:
        return await views.of_one(await connections.get(who.workspace_id, connection_id))

    @router.patch("/connections/{connection_id}", responses=declares(404))
    async def rename_connection(
        connection_id: str, body: ConnectionEdit, once: Once = as_operator
    ) -> ConnectionView:
        async def work(unit: UnitOfWork) -> ConnectionView:
            renamed = await connections.rename(unit, once.principal, connection_id, body.name)
            return await views.of_one(renamed)

        return await once(work)

    @router.post("/connections/{connection_id}/disconnect", responses=declares(404))
    async def disconnect_connection(connection_id: str, once: Once = as_operator) -> ConnectionView:
        disconnection = disconnecting.begin(once.principal, connection_id)

        async def work(unit: UnitOfWork) -> ConnectionView:
            return await views.of_one(await disconnection.work(unit))

        try:
            return await once(work)
        finally:
            disconnecting.end_upstream(disconnection)

    return router


def history_routes(
    connections: Connections, trail: AuditTrail, names: Names, standing: Standing
) -> APIRouter:
    """Make the route of what a connection has been through."""
    router = APIRouter(prefix="/v1/connections", tags=["connections"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))

    @router.get("/{connection_id}/history", responses=declares(404))
    async def show_history(
        connection_id: str, at: PageRequest = A_SHORT_PAGE, who: Principal = viewer
    ) -> Page[ConnectionEntry]:
        await connections.get(who.workspace_id, connection_id)
        page = await trail.of_connection(who.workspace_id, connection_id, at)
        people = await names.of(each.by for each in page.items)
        return page.map(lambda each: connection_entry(each, people))

    return router


def provider_routes(providers: Providers, standing: Standing) -> APIRouter:
    """Make the route of what can be connected."""
    router = APIRouter(prefix="/v1", tags=["connections"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))

    @router.get("/providers", dependencies=[viewer])
    async def list_providers() -> ProviderList:
        return ProviderList(items=tuple(map(provider_view, providers.all())))

    return router
