"""The first page: a card for each connection, warnings first."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from tablesync.client import TableSync
from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.connections import ConnectionView, ProviderView
from tablesync.dashboard.live.parts import Part
from tablesync.dashboard.shown.cards import Begun, Card, Deck
from tablesync.dashboard.shown.connections.faces import Rank
from tablesync.dashboard.shown.connections.lost import Lost
from tablesync.dashboard.shown.first_day import Step, first_day
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.web.desk import Asked, Desk, Member
from tablesync.dashboard.web.silences import Silent, or_gone, or_silent, silent_among, told

# A card is 4 kB; with what every page loads, the first one is to stay below 200 kB.
A_PAGE = 30


def routes(desk: Desk) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/w/{workspace_id}", include_in_schema=False)

    @router.get("/integrations")
    async def show(asked: Member, q: str = "", cursor: str | None = None) -> Response:
        found = await read_deck(asked, q=q, cursor=cursor)
        offered = () if q or cursor else found.deck.providers.values()
        begun = begun_of(found, q=q, cursor=cursor)
        under_way = {str(each.attempt.provider) for each in begun}
        shown = found.deck.cards(asked.clock)
        lost = Lost.among(shown)
        return desk.page(
            asked,
            "pages/integrations.html",
            shown=shown,
            lost=lost,
            banners_version=banners_version(lost, found.silent),
            order=order_of(shown, begun),
            begun=begun,
            before_begun=[each for each in shown if each.face.rank < Rank.UNDER_WAY],
            never=[
                each
                for each in await _never(asked.visitor.tablesync, found, offered)
                if str(each.name) not in under_way
            ],
            total=found.total,
            q=q,
            cursor=cursor or "",
            next_cursor=found.next_cursor,
            silent=found.silent,
            steps=found.first_steps(offered),
        )

    @router.get("/parts/card/{connection_id}")
    async def show_card(asked: Member, connection_id: str) -> Response:
        """Return one card, for whoever shows it already."""
        connection = await asked.visitor.tablesync.connections.get(connection_id)
        deck, _ = await deck_of(asked, [connection])
        return HTMLResponse(card_text(desk, asked, deck.card(connection, asked.clock)))

    return router


@dataclass(frozen=True)
class FoundDeck:
    """A page of cards, how many connections there are, and which services did not answer."""

    deck: Deck
    total: int
    next_cursor: str | None
    silent: Sequence[str]

    def first_steps(self, offered: Collection[ProviderView]) -> Sequence[Step]:
        """Return the steps of a first day; there are none where not all is on this page."""
        uses = self.deck.uses
        if self.next_cursor is not None:
            return ()
        return first_day(self.deck.connections, offered, None if uses is None else uses.values())


async def read_deck(
    asked: Asked, *, q: str = "", cursor: str | None = None, also: Sequence[str] = ()
) -> FoundDeck:
    """Read a page of connections and all that their cards need beside.

    Those of `also` that are on another page by now are read too.
    """
    connections = asked.visitor.tablesync.connections
    page, counts = await asyncio.gather(
        connections.page(q=q or None, limit=A_PAGE, cursor=cursor),
        connections.counts(),
    )
    elsewhere = set(also) - {each.id for each in page.items}
    more = await asyncio.gather(*(or_gone(connections.get(each)) for each in sorted(elsewhere)))
    deck, silent = await deck_of(asked, [*page.items, *(each for each in more if each)])
    return FoundDeck(deck, counts.total, page.next_cursor, silent)


def card_text(desk: Desk, asked: Asked, shown: Card) -> str:
    """Render one card."""
    return desk.rendering.part("parts/cards.html", "card", shown, desk.context(asked))


def banners_version(lost: Lost, silent: Sequence[str]) -> str:
    """Return what tells whether that which stands above the cards has changed."""
    return version_of(silent, lost.told if lost.cards else None)


def begun_of(found: FoundDeck, *, q: str, cursor: str | None) -> Sequence[Begun]:
    """Return the first sign-ins under way that a page shows: none fits a search."""
    return () if q or cursor else found.deck.begun


def order_of(shown: Sequence[Card], begun: Sequence[Begun]) -> str:
    """Return what tells whether cards came, went, or stand in another order."""
    return version_of([each.id for each in shown], [each.id for each in begun])


def parts(
    desk: Desk, asked: Asked, found: FoundDeck, begun: Sequence[Begun], order: str
) -> list[Part]:
    """Return all of the first page that changes by itself; `order` is that of its cards."""
    shown = found.deck.cards(asked.clock)
    context = desk.context(asked)
    other = found.deck.pending is not None and order_of(shown, begun) != order
    render = desk.rendering.part
    lost = Lost.among(shown)
    banners = banners_version(lost, found.silent)
    above = ("parts/cards.html", "banners", lost, found.silent, banners, context)
    hint = ("parts/live.html", "order", other, "Cards have come or moved. Sort again")
    return [
        *(
            Part(each.id, context.version(each.version), partial(card_text, desk, asked, each))
            for each in shown
        ),
        *(
            Part(
                each.id,
                context.version(each.version),
                partial(render, "parts/cards.html", "begun", each, context),
            )
            for each in begun
        ),
        Part("banners", banners, partial(render, *above)),
        Part("order", "other" if other else "same", partial(render, *hint)),
    ]


async def deck_of(
    asked: Asked, connections: Sequence[ConnectionView]
) -> tuple[Deck, Sequence[str]]:
    """Read what cards need beside their connections, and who does not tell."""
    tablesync = asked.visitor.tablesync
    providers, uses, pending = await asyncio.gather(
        or_silent(tablesync.providers.all()),
        or_silent(_uses(tablesync, [each.id for each in connections])),
        or_silent(tablesync.authorizations.pending()),
    )
    deck = Deck(
        connections,
        {str(each.name): each for each in told(providers, ())},
        None if isinstance(uses, Silent) else {each.connection_id: each for each in uses},
        None if isinstance(pending, Silent) else pending,
    )
    return deck, silent_among(providers, uses, pending)


async def _uses(tablesync: TableSync, ids: Sequence[str]) -> Sequence[ConnectionUse]:
    """Return how connections are used; of none nothing is asked, which would mean all of them."""
    return await tablesync.syncs.uses(ids) if ids else ()


async def _never(
    tablesync: TableSync, found: FoundDeck, offered: Iterable[ProviderView]
) -> list[ProviderView]:
    """Return the providers of whom no connection exists, on this page or on any other."""
    connected = {str(each.provider) for each in found.deck.connections}
    missing = [each for each in offered if str(each.name) not in connected]
    if found.next_cursor is None:
        return missing
    looked = [tablesync.connections.page(provider=str(each.name), limit=1) for each in missing]
    pages = await asyncio.gather(*looked)
    return [each for each, page in zip(missing, pages, strict=True) if not page.items]
