"""What was done in the workspace, and by whom, for admins."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import Response
from tablesync.client import TableSync
from tablesync.contracts.public_api.people import MemberView
from tablesync.dashboard.shown.workspace.audit import Auditing
from tablesync.dashboard.web.desk import Desk, Member
from tablesync.dashboard.web.silences import or_silent, silent_among, told

A_PAGE = 50


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}/settings/audit", include_in_schema=False)

    @router.get("")
    async def show(asked: Member, cursor: str | None = None) -> Response:
        tablesync = asked.visitor.tablesync
        page, connections, members = await asyncio.gather(
            tablesync.audit.page(limit=A_PAGE, cursor=cursor),
            or_silent(tablesync.connections.names()),
            or_silent(_members(tablesync)),
        )
        auditing = Auditing(told(connections, ()), told(members, []))
        return desk.page(
            asked,
            "pages/audit.html",
            entries=[auditing.told(each) for each in page.items],
            next_cursor=page.next_cursor,
            silent=silent_among(connections, members),
        )

    return router


async def _members(tablesync: TableSync) -> list[MemberView]:
    return [each async for each in tablesync.members.all()]
