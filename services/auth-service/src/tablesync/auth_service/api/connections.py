"""`/v1`: connections, and what can be connected."""

from fastapi import APIRouter, Depends
from tablesync.auth_service.api.views import connection_view, provider_view
from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.grants.disconnect import Disconnecting
from tablesync.auth_service.identity.standing import Standing
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts.public_api.connections import ConnectionView, ProviderList
from tablesync.service_kit.http import pages
from tablesync.service_kit.http.idempotency import Once
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.pages import Page, PageRequest
from tablesync.service_kit.http.user_auth import OperatorRole, Principal
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork

A_PAGE = pages.requested(default=1_000, most=1_000)


def routes(
    units: UnitsOfWork,
    connections: Connections,
    disconnecting: Disconnecting,
    providers: Providers,
    standing: Standing,
) -> APIRouter:
    """Make the routes of connections."""
    router = APIRouter(prefix="/v1", tags=["connections"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))
    as_operator = standing.once(units, OperatorRole.OPERATOR)

    def view(connection: Connection) -> ConnectionView:
        return connection_view(connection, providers.hints(connection.provider))

    @router.get("/connections")
    async def list_connections(
        at: PageRequest = A_PAGE, who: Principal = viewer
    ) -> Page[ConnectionView]:
        return (await connections.page(who.workspace_id, at)).map(view)

    @router.get("/connections/{connection_id}", responses=declares(404))
    async def show_connection(connection_id: str, who: Principal = viewer) -> ConnectionView:
        return view(await connections.get(who.workspace_id, connection_id))

    @router.post("/connections/{connection_id}/disconnect", responses=declares(404))
    async def disconnect_connection(connection_id: str, once: Once = as_operator) -> ConnectionView:
        disconnection = disconnecting.begin(once.principal, connection_id)

        async def work(unit: UnitOfWork) -> ConnectionView:
            return view(await disconnection.work(unit))

        try:
            return await once(work)
        finally:
            disconnecting.end_upstream(disconnection)

    return router


def provider_routes(providers: Providers, standing: Standing) -> APIRouter:
    """Make the route of what can be connected."""
    router = APIRouter(prefix="/v1", tags=["connections"])
    viewer = Depends(standing.told(OperatorRole.VIEWER))

    @router.get("/providers", dependencies=[viewer])
    async def list_providers() -> ProviderList:
        return ProviderList(items=tuple(map(provider_view, providers.all())))

    return router
