"""Receipts: what an outage missed and what was caught up, to be shared and printed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import RedirectResponse, Response
from tablesync.client import Page
from tablesync.contracts.public_api.connections import ConnectionEntry, ConnectionView
from tablesync.contracts.wording import loss
from tablesync.dashboard.live.parts import Part, left
from tablesync.dashboard.shown.connection_history import BACK
from tablesync.dashboard.shown.times import Clock, span
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.shown.workspace.receipts import ShownReceipt, outcome
from tablesync.dashboard.web.answers import SEE_OTHER
from tablesync.dashboard.web.desk import Asked, Desk, Member
from tablesync.dashboard.web.silences import Silent, or_silent, told


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
        return desk.page(
            asked,
            "pages/receipt.html",
            found=await read_page(asked, connection_id, since),
            outcome=outcome,
            live_path=asked.path(f"/live/connections/{connection_id}/receipts/{since}"),
        )

    return router


@dataclass(frozen=True)
class ReceiptPage:
    """A receipt, the connection that it is of, and what that has been through lately."""

    shown: ShownReceipt
    connection: ConnectionView | Silent
    history: Sequence[ConnectionEntry] = ()

    @property
    def name(self) -> str:
        """What people call the connection."""
        known = self.connection
        return "a connection" if isinstance(known, Silent) else known.name or known.account.name

    @property
    def cause(self) -> str:
        """Why it was lost, in a sentence."""
        known = self.connection
        if isinstance(known, Silent):
            return ""
        return loss(self.shown.receipt.cause, str(known.provider))

    @property
    def back_by(self) -> str:
        """Who reconnected it; nothing where that is not known, or too long ago."""
        receipt = self.shown.receipt
        if receipt.back_at is None or all(each.at > receipt.lost_at for each in self.history):
            return ""
        ends = [each for each in self.history if each.kind in BACK and each.at > receipt.lost_at]
        first = min(ends, key=lambda each: each.at, default=None)
        return first.by.name if first and first.by else ""

    @property
    def looks_again(self) -> bool:
        """Whether there will be more to tell, or somebody has not told all there is."""
        is_going_on = self.shown.receipt.back_at is None or self.shown.is_under_way
        return is_going_on or isinstance(self.connection, Silent)

    def gap(self, clock: Clock) -> str:
        """Return how long nothing was brought, so far."""
        receipt = self.shown.receipt
        return span((receipt.back_at or clock.now) - receipt.lost_at)

    def version(self, clock: Clock) -> str:
        """Return what tells whether it has changed since it was last shown."""
        return version_of(self.shown.receipt, self.name, self.back_by, self.gap(clock))


async def read_page(asked: Asked, connection_id: str, since: int) -> ReceiptPage:
    """Read a receipt, what its connection is called, and who brought it back."""
    tablesync = asked.visitor.tablesync
    receipt, connection, history = await asyncio.gather(
        tablesync.receipts.get(connection_id, since),
        or_silent(tablesync.connections.get(connection_id)),
        or_silent(tablesync.connections.history(connection_id)),
    )
    return ReceiptPage(ShownReceipt(receipt), connection, told(history, Page([])).items)


def parts(desk: Desk, asked: Asked, page: ReceiptPage) -> list[Part]:
    """Return all of a receipt that changes by itself; it stays while nobody tells its name."""
    if isinstance(page.connection, Silent):
        return [left("receipt")]
    context = desk.context(asked)
    given = ("parts/receipt.html", "receipt", page, outcome, context)
    html = partial(desk.rendering.part, *given)
    return [Part("receipt", context.version(page.version(asked.clock)), html)]


def _milliseconds(moment: datetime) -> int:
    return round(moment.astimezone(UTC).timestamp() * 1_000)
