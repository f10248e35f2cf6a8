"""Receipts: what an outage missed and what was caught up, to be shared and printed."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import RedirectResponse, Response
from tablesync.dashboard.shown.workspace.receipts import ShownReceipt, outcome
from tablesync.dashboard.web.answers import SEE_OTHER
from tablesync.dashboard.web.desk import Desk, Member
from tablesync.dashboard.web.silences import or_silent


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(
        prefix="/w/{workspace_id}/connections/{connection_id}", include_in_schema=False
    )

    @router.get("/receipt")
    async def newest(asked: Member, connection_id: str) -> Response:
        """Go to the receipt of the last outage."""
        page = await asked.visitor.tablesync.receipts.page(connection_id, limit=1)
        if not page.items:
            return RedirectResponse(asked.path(f"/connections/{connection_id}"), SEE_OTHER)
        since = _milliseconds(page.items[0].lost_at)
        return RedirectResponse(
            asked.path(f"/connections/{connection_id}/receipts/{since}"), SEE_OTHER
        )

    @router.get("/receipts/{since}")
    async def show(
        asked: Member, connection_id: str, since: Annotated[int, Path(ge=0, le=10**14)]
    ) -> Response:
        tablesync = asked.visitor.tablesync
        receipt, connection = await asyncio.gather(
            tablesync.receipts.get(connection_id, since),
            or_silent(tablesync.connections.get(connection_id)),
        )
        return desk.page(
            asked,
            "pages/receipt.html",
            shown=ShownReceipt(receipt),
            connection=connection,
            outcome=outcome,
        )

    return router


def _milliseconds(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * 1_000)
