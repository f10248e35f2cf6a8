"""The help over HTTP: for everybody, signed in or not."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from tablesync.dashboard.help.manual import INDEX, Manual
from tablesync.dashboard.web.desk import Desk


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router, manual = APIRouter(prefix="/help", include_in_schema=False), Manual()

    @router.get("")
    async def index(request: Request) -> Response:
        return _shown(request, INDEX)

    @router.get("/{name:path}")
    async def show(request: Request, name: str) -> Response:
        return _shown(request, name)

    def _shown(request: Request, name: str) -> Response:
        page = manual.page(name)
        if page is None:
            raise HTTPException(404)
        return desk.plain_page(request, "pages/help.html", help=page)

    return router
