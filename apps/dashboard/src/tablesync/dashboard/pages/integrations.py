"""The first page: a card for each connection, warnings first."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from tablesync.client import AwayError
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.dashboard.shown.cards import Card, Deck
from tablesync.dashboard.shown.first_day import first_day
from tablesync.dashboard.web.desk import Asked, Desk, Member

T = TypeVar("T")
A_PAGE = 50


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}", include_in_schema=False)

    @router.get("/integrations")
    async def show(asked: Member, q: str = "", cursor: str | None = None) -> Response:
        found = await read_deck(asked, q=q, cursor=cursor)
        connected = {str(each.provider) for each in found.deck.connections}
        offered = () if q or cursor else found.deck.providers.values()
        uses = found.deck.uses
        return desk.page(
            asked,
            "pages/integrations.html",
            shown=found.deck.cards(asked.clock),
            never=[each for each in offered if str(each.name) not in connected],
            total=found.total,
            q=q,
            next_cursor=found.next_cursor,
            silent=found.silent,
            steps=first_day(
                found.deck.connections, offered, None if uses is None else uses.values()
            ),
        )

    @router.get("/parts/card/{connection_id}")
    async def show_card(asked: Member, connection_id: str) -> Response:
        """Return one card, for whoever shows it already."""
        connection = await asked.visitor.tablesync.connections.get(connection_id)
        found = await _beside(asked, [connection])
        return HTMLResponse(card_text(desk, asked, found.card(connection, asked.clock)))

    return router


@dataclass(frozen=True)
class FoundDeck:
    """A page of cards, how many connections there are, and which services did not answer."""

    deck: Deck
    total: int
    next_cursor: str | None
    silent: Sequence[str]


async def read_deck(asked: Asked, *, q: str = "", cursor: str | None = None) -> FoundDeck:
    """Read a page of connections and all that their cards need beside."""
    connections = asked.visitor.tablesync.connections
    page, counts = await asyncio.gather(
        connections.page(q=q or None, limit=A_PAGE, cursor=cursor),
        connections.counts(),
    )
    deck = await _beside(asked, page.items)
    silent = ["scheduler"] if deck.uses is None else []
    return FoundDeck(deck, counts.total, page.next_cursor, silent)


def card_text(desk: Desk, asked: Asked, shown: Card) -> str:
    """Render one card."""
    return desk.rendering.part("parts/cards.html", "card", shown, desk.context(asked))


def banners_text(desk: Desk, asked: Asked, shown: Sequence[Card], silent: Sequence[str]) -> str:
    """Render what stands above the cards."""
    context = desk.context(asked)
    return desk.rendering.part("parts/cards.html", "banners", shown, silent, context)


async def _beside(asked: Asked, connections: Sequence[ConnectionView]) -> Deck:
    tablesync = asked.visitor.tablesync
    providers, uses, pending = await asyncio.gather(
        _or_none(tablesync.providers.all()),
        _or_none(tablesync.syncs.uses([each.id for each in connections])),
        _or_none(tablesync.authorizations.pending()),
    )
    return Deck(
        connections,
        {str(each.name): each for each in providers or ()},
        None if uses is None else {each.connection_id: each for each in uses},
        {each.connection_id: each for each in pending or () if each.connection_id},
    )


async def _or_none(asked: Awaitable[T]) -> T | None:
    """Return an answer, or None while whoever is asked does not answer."""
    try:
        return await asked
    except AwayError:
        return None
