"""Practice: a connection is broken in a chosen way, to watch its recovery (sandbox only)."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from tablesync.client import TableSyncError
from tablesync.contracts.wording import provider_label
from tablesync.dashboard.pages.making.operators import Operator
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.practice import Practice

LATER = "Its syncs could not be run at once: it is noticed at their next slots."


def routes(desk: Desk, practice: Practice) -> APIRouter:
    """Make the router."""
    router = APIRouter(
        prefix="/w/{workspace_id}/connections/{connection_id}/practice", include_in_schema=False
    )

    @router.get("")
    async def choose(asked: Operator, connection_id: str) -> Response:
        return await page(asked, connection_id)

    @router.post("")
    async def begin(request: Request, asked: Operator, connection_id: str) -> Response:
        form, tablesync = await desk.form(request), asked.visitor.tablesync
        once = form.get("once")
        connection = await tablesync.connections.get(connection_id)
        provider = str(connection.provider)
        ways = {each.name: each for each in await practice.ways(provider)}
        way = ways.get(form.get("way"))
        if way is None:
            return await page(asked, connection_id, status=422)
        await practice.take(provider, connection.account.id, way, once)
        # Nothing is noticed before something is asked for: what waits for its slot would keep
        # whoever practises waiting.
        said = f"{provider_label(provider)}: {way.title[0].lower()}{way.title[1:]}. {way.outcome}"
        try:
            await tablesync.syncs.run_connection(connection_id, idempotency_key=once)
        except TableSyncError:
            said = f"{said} {LATER}"
        return desk.back(request, asked.path("/integrations"), said)

    async def page(asked: Asked, connection_id: str, status: int = 200) -> Response:
        connection = await asked.visitor.tablesync.connections.get(connection_id)
        ways = await practice.ways(str(connection.provider))
        return desk.page(
            asked,
            "pages/practice.html",
            status=status,
            connection=connection,
            label=provider_label(str(connection.provider)),
            ways=ways,
        )

    return router
