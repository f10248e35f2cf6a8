"""What tabs are sent while they are open, for each page that changes by itself."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from tablesync.dashboard.live.hub import EVERYTHING
from tablesync.dashboard.live.streams import Streams
from tablesync.dashboard.pages import integrations, runs, sync
from tablesync.dashboard.web.desk import Asked, Desk, Member
from tablesync.dashboard.web.rendering import partial

MOST_CARDS = 100


@dataclass(frozen=True)
class Part:
    """A part of a page as it is now; `version` changes with whatever it shows."""

    id: str
    version: str
    html: str


def card_routes(desk: Desk, streams: Streams) -> APIRouter:
    """Make the stream of the first page's cards."""
    router = APIRouter(prefix="/w/{workspace_id}/live", include_in_schema=False)

    @router.get("/integrations")
    async def cards(asked: Member, cards: str = "") -> Response:
        shown = dict(_versioned(each) for each in cards.split(",")[:MOST_CARDS] if each)

        async def render(asked: Asked, changed: Collection[str]) -> str:
            found = await integrations.read_deck(asked)
            cards = found.deck.cards(asked.clock)
            parts = []
            for each in cards:
                if shown.get(each.connection.id, each.version) != each.version:
                    shown[each.connection.id] = each.version
                    parts.append(partial(each.id, integrations.card_text(desk, asked, each)))
            if parts:
                banners = integrations.banners_text(desk, asked, cards, found.silent)
                parts.append(partial("banners", banners))
            return "".join(parts)

        return streams.answer(asked, render)

    return router


def part_routes(desk: Desk, streams: Streams) -> APIRouter:
    """Make the streams of pages of one thing."""
    router = APIRouter(prefix="/w/{workspace_id}/live", include_in_schema=False)

    @router.get("/runs/{run_id}")
    async def run(asked: Member, run_id: str, version: str = "") -> Response:
        async def read(asked: Asked) -> Part:
            page = await runs.read_page(asked, run_id)
            html = desk.rendering.part(
                "parts/run.html", "run", page.shown, page.rejected, desk.context(asked)
            )
            return Part("run", page.version, html)

        return streams.answer(asked, watching(read, version))

    @router.get("/syncs/{sync_id}")
    async def state(asked: Member, sync_id: str, version: str = "") -> Response:
        async def read(asked: Asked) -> Part:
            page = await sync.read_page(asked, sync_id)
            html = desk.rendering.part(
                "parts/sync.html", "state", page.shown, page.story, desk.context(asked)
            )
            return Part("sync", page.version, html)

        return streams.answer(asked, watching(read, version, about=f"sync:{sync_id}"))

    return router


def watching(
    read: Callable[[Asked], Awaitable[Part]], version: str, about: str = EVERYTHING
) -> Callable[[Asked, Collection[str]], Awaitable[str]]:
    """Return what sends a part anew whenever it is not what the tab has; `about` narrows it."""
    sent = version

    async def render(asked: Asked, changed: Collection[str]) -> str:
        nonlocal sent
        if about != EVERYTHING and not {about, EVERYTHING} & set(changed):
            return ""
        part = await read(asked)
        if part.version == sent:
            return ""
        sent = part.version
        return partial(part.id, part.html)

    return render


def _versioned(told: str) -> tuple[str, str]:
    connection_id, _, version = told.partition(".")
    return connection_id, version
