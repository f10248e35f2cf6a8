"""The streams of the first page, and of pages of one thing."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from tablesync.dashboard.live.parts import Part, keeping, left
from tablesync.dashboard.live.streams import Streams
from tablesync.dashboard.pages import (
    connection_page,
    incidents,
    integrations,
    receipts,
    runs,
    sync,
)
from tablesync.dashboard.web.desk import Asked, Desk, Member


def card_routes(desk: Desk, streams: Streams) -> APIRouter:
    """Make the stream of the first page's cards."""
    router = APIRouter(prefix="/w/{workspace_id}/live", include_in_schema=False)

    @router.get("/integrations")
    async def cards(
        asked: Member, shown: str = "", order: str = "", q: str = "", cursor: str = ""
    ) -> Response:
        async def read(asked: Asked, ids: Iterable[str]) -> Sequence[Part]:
            also = [each.removeprefix("card-") for each in ids if each.startswith("card-")]
            found = await integrations.read_deck(asked, q=q, cursor=cursor or None, also=also)
            begun = integrations.begun_of(found, q=q, cursor=cursor)
            known = found.deck.pending is not None
            unknown = [each for each in ids if each.startswith("begun-") and not known]
            return [
                *integrations.parts(desk, asked, found, begun, order),
                *(left(each) for each in unknown),
            ]

        return await streams.answer(asked, keeping(shown, read))

    return router


def part_routes(desk: Desk, streams: Streams) -> APIRouter:
    """Make the streams of pages of one thing."""
    router = APIRouter(prefix="/w/{workspace_id}/live", include_in_schema=False)

    @router.get("/runs/{run_id}")
    async def run(asked: Member, run_id: str, shown: str = "") -> Response:
        about = {f"run:{run_id}"}

        async def read(asked: Asked, _: Iterable[str]) -> Sequence[Part]:
            page = await runs.read_page(asked, run_id)
            about.add(f"sync:{page.shown.run.sync_id}")
            return [
                Part(
                    "run",
                    desk.context(asked).version(page.version),
                    lambda: runs.text(desk, asked, page),
                )
            ]

        return await streams.answer(asked, keeping(shown, read, about))

    @router.get("/syncs/{sync_id}")
    async def state(asked: Member, sync_id: str, shown: str = "") -> Response:
        kept, about = sync.KeptBeside(), {f"sync:{sync_id}"}

        async def read(asked: Asked, _: Iterable[str]) -> Sequence[Part]:
            page = await sync.read_page(asked, sync_id)
            about.update(page.changed_by)
            return sync.parts(desk, asked, page, await kept.read(asked, page))

        return await streams.answer(asked, keeping(shown, read, about))

    return router


def connection_routes(desk: Desk, streams: Streams) -> APIRouter:
    """Make the streams of a connection's page and of the receipts of its outages."""
    router = APIRouter(prefix="/w/{workspace_id}/live/connections", include_in_schema=False)

    @router.get("/{connection_id}")
    async def connection(asked: Member, connection_id: str, shown: str = "") -> Response:
        kept = connection_page.KeptPast()

        async def read(asked: Asked, _: Iterable[str]) -> Sequence[Part]:
            page = await connection_page.read_page(asked, connection_id)
            return connection_page.parts(desk, asked, page, await kept.read(asked, page))

        return await streams.answer(asked, keeping(shown, read, _of_connection(connection_id)))

    @router.get("/{connection_id}/receipts/{since}")
    async def receipt(
        asked: Member,
        connection_id: str,
        since: Annotated[int, Path(ge=0, le=10**14)],
        shown: str = "",
    ) -> Response:
        async def read(asked: Asked, _: Iterable[str]) -> Sequence[Part]:
            page = await receipts.read_page(asked, connection_id, since)
            return receipts.parts(desk, asked, page)

        return await streams.answer(asked, keeping(shown, read, _of_connection(connection_id)))

    return router


def _of_connection(id_: str) -> set[str]:
    """Return whose events can change pages of a connection: of a sync none says what it uses."""
    return {f"connection:{id_}", "sync:*", "provider:*"}


def incident_routes(desk: Desk, streams: Streams) -> APIRouter:
    """Make the streams of an incident and of the mails about it."""
    router = APIRouter(prefix="/w/{workspace_id}/live/incidents", include_in_schema=False)

    @router.get("/{incident_id}")
    async def incident(asked: Member, incident_id: str, shown: str = "") -> Response:
        about = {f"incident:{incident_id}"}

        async def read(asked: Asked, _: Iterable[str]) -> Sequence[Part]:
            page = await incidents.read_page(asked, incident_id)
            about.update(incidents.changed_by(page.shown.incident))
            return incidents.page_parts(desk, asked, page)

        return await streams.answer(asked, keeping(shown, read, about), follows=True)

    @router.get("/{incident_id}/mails/{mail_id}")
    async def mail(asked: Member, incident_id: str, mail_id: str, shown: str = "") -> Response:
        about = {f"incident:{incident_id}"}

        async def read(asked: Asked, _: Iterable[str]) -> Sequence[Part]:
            incident, mail = await incidents.read_mail(asked, incident_id, mail_id)
            about.update(incidents.changed_by(incident))
            return incidents.mail_parts(desk, asked, mail, incident_id)

        return await streams.answer(asked, keeping(shown, read, about), follows=True)

    return router
