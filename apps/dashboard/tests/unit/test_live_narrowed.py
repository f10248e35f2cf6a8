"""The stream of a page of one thing looks again at what can change that page, and at beats."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
from dashboard_examples import CLOCK, a_desk, a_visitor, like
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from tablesync.contracts import SyncStarted
from tablesync.contracts.public_api.connection_uses import ConnectionUses
from tablesync.contracts.public_api.connections import ConnectionView, ProviderList, ProviderView
from tablesync.contracts.public_api.incidents import IncidentView, MailPreview
from tablesync.contracts.public_api.receipts import Receipt
from tablesync.contracts.public_api.runs import RunProgress, RunView
from tablesync.contracts.public_api.schedules import NextSlots
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.live.followings import followings
from tablesync.dashboard.live.hub import EVERYTHING, Hub
from tablesync.dashboard.live.streams import Streams
from tablesync.dashboard.pages.live import things
from tablesync.dashboard.web import desk
from tablesync.dashboard.web.desk import Asked
from tablesync.service_kit.http.client import new_client
from tablesync.test_kit import free_port
from tablesync.test_kit.stand_ins.web_server import WebServer

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]

Looked = Callable[[set[str]], Awaitable[bool]]
Render = Callable[[Asked, Collection[str]], Awaitable[str]]
SYNC = like(SyncView, id="syn_a")
SOURCE, TARGET = SYNC.source.connection_id, SYNC.destination.connection_id
RUN = like(RunView, id="run_a", sync_id="syn_a")
INCIDENT = like(IncidentView, id="inc_a", connection_id="con_a", sync_id=None)
OF_A_SYNC = like(IncidentView, id="inc_s", kind="sync", connection_id=None, sync_id="syn_a")
MAIL = INCIDENT.mails[0].id
KNOWN = {
    "syncs/syn_a": SYNC,
    "runs/run_a": RUN,
    "runs/run_a/progress": like(RunProgress),
    "schedules/preview": like(NextSlots),
    "providers": ProviderList(items=(like(ProviderView),)),
    **{f"connections/{each}": like(ConnectionView, id=each) for each in ("con_a", SOURCE, TARGET)},
    "connections/con_a/receipts/1": like(Receipt),
    "connections/uses": ConnectionUses(items=()),
    "incidents/inc_a": INCIDENT,
    "incidents/inc_s": OF_A_SYNC,
    f"mails/{MAIL}/preview": like(MailPreview),
}
EMPTY = (
    *("syncs/syn_a/slots", "connections/con_a/history", "connections/con_a/receipts"),
    *("authorizations", "runs", "runs/run_a/rejections", "connections/names"),
)


class Services:
    """All services at one address; they count how often they are asked."""

    def __init__(self) -> None:
        self.app, self.asked = FastAPI(), 0
        self.app.api_route("/v1/{path:path}", methods=["GET", "POST"])(self.answer)

    async def answer(self, path: str) -> Response:
        self.asked += 1
        if path in EMPTY:
            return JSONResponse({"items": [], "next_cursor": None})
        if path not in KNOWN:
            raise HTTPException(404)
        return Response(KNOWN[path].model_dump_json(by_alias=True), media_type="application/json")


class Opened:
    """Keeps what a stream that is opened would render."""

    def __init__(self) -> None:
        self.render: Render | None = None

    async def answer(self, asked: Asked, render: Render, **_: Any) -> Response:
        self.render = render
        return Response()


@pytest.fixture
def services() -> Services:
    return Services()


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest_asyncio.fixture
async def looks(
    services: Services, opened: Opened, tmp_path: Any
) -> AsyncIterator[Callable[[str], Awaitable[Looked]]]:
    """Open a stream, which looks once; then tell whether it looks again at an event."""
    server = WebServer(services.app, port := free_port())
    await server.start()
    async with new_client() as http:
        asked = Asked(
            Request({"type": "http"}),
            a_visitor(f"http://127.0.0.1:{port}", http),
            "ws_1",
            CLOCK,
        )
        app, front = FastAPI(), a_desk(http, tmp_path)
        makers = (things.part_routes, things.connection_routes, things.incident_routes)
        for make in makers:
            app.include_router(make(front, cast(Streams, opened)))
        app.dependency_overrides[desk._member] = lambda: asked
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://dashboard") as browser:

            async def open_(path: str) -> Looked:
                (await browser.get(f"/w/ws_1/live/{path}")).raise_for_status()
                render = opened.render
                assert render

                async def looked(changed: set[str]) -> bool:
                    before = services.asked
                    await render(asked, changed)
                    return services.asked > before

                assert await looked({EVERYTHING})
                return looked

            yield open_
    server.stop()


@pytest.mark.parametrize(
    ("path", "related", "others"),
    [
        (
            "runs/run_a",
            {"run:run_a", "sync:syn_a"},
            {"run:run_b", "sync:syn_b", "connection:con_a"},
        ),
        (
            "syncs/syn_a",
            {"sync:syn_a", f"connection:{SOURCE}", f"connection:{TARGET}", "provider:hubspot"},
            {"sync:syn_b", "run:run_b", "connection:con_of_others"},
        ),
        (
            "connections/con_a",
            {"connection:con_a", "sync:syn_b"},
            {"connection:con_b", "run:run_b"},
        ),
        (
            "connections/con_a/receipts/1",
            {"connection:con_a", "sync:syn_b"},
            {"connection:con_b", "run:run_b"},
        ),
        ("incidents/inc_a", {"connection:con_a"}, {"connection:con_b", "sync:syn_a"}),
        ("incidents/inc_s", {"sync:syn_a"}, {"connection:con_a", "sync:syn_b"}),
        (f"incidents/inc_a/mails/{MAIL}", {"connection:con_a"}, {"connection:con_b", "sync:syn_a"}),
    ],
)
async def test_a_page_of_one_thing_looks_again_only_at_what_can_change_it(
    looks: Callable[[str], Awaitable[Looked]],
    path: str,
    related: set[str],
    others: set[str],
) -> None:
    looked = await looks(path)
    assert not await looked(others)
    for each in related:
        assert await looked({each, *others}), each
    assert await looked({EVERYTHING})


async def test_an_event_of_a_run_is_told_as_one_of_its_sync_and_of_the_run() -> None:
    hub, nobody = Hub(), cast(Any, None)
    told: Any = {"workspace_id": "ws_1", "sync_id": "syn_a", "run_id": "run_a"}
    event = SyncStarted.model_construct(**told)
    (handlers,) = (e.handlers for e in followings(hub, nobody) if e.topic == SyncStarted.topic)
    with hub.listening("ws_1") as listener:
        await handlers[SyncStarted](event)
        assert listener.changed == {"sync:syn_a", "run:run_a"}
