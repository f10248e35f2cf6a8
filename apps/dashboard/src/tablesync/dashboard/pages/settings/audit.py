"""What was done in the workspace, and by whom, for admins."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import Response
from tablesync.dashboard.shown.workspace.audit import Auditing
from tablesync.dashboard.web.desk import Desk, Member

A_PAGE = 50


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/settings/audit", include_in_schema=False)

    @router.get("")
    async def show(asked: Member, cursor: str | None = None) -> Response:
        tablesync = asked.visitor.tablesync
        page, connections = await asyncio.gather(
            tablesync.audit.page(limit=A_PAGE, cursor=cursor),
            tablesync.connections.names(),
        )
        auditing = Auditing(connections, [each async for each in tablesync.members.all()])
        return desk.page(
            asked,
            "pages/audit.html",
            entries=[auditing.told(each) for each in page.items],
            next_cursor=page.next_cursor,
        )

    return router
