"""A new API token is shown once: the page that shows it is loaded again without it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from dashboard_examples import CLOCK, SESSION, a_desk, a_visitor, like
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from tablesync.contracts.public_api.incidents import PreferencesView
from tablesync.contracts.public_api.people import CreatedApiToken
from tablesync.dashboard.pages.settings import own
from tablesync.dashboard.web import desk
from tablesync.dashboard.web.desk import Asked
from tablesync.service_kit.http.client import new_client
from tablesync.test_kit import free_port
from tablesync.test_kit.stand_ins.web_server import WebServer

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]

MADE = like(CreatedApiToken)
SAID: dict[tuple[str, str], BaseModel] = {
    ("GET", "preferences"): like(PreferencesView),
    ("POST", "api-tokens"): MADE,
}


async def answer(path: str, request: Request) -> Response:
    """Answer for all services: of people and tokens there are none."""
    said = SAID.get((request.method, path))
    if said is None:
        return JSONResponse({"items": [], "next_cursor": None})
    return Response(said.model_dump_json(), media_type="application/json")


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a browser that sends forms of ours."""
    services = FastAPI()
    services.api_route("/v1/{path:path}", methods=["GET", "POST"])(answer)
    server = WebServer(services, port := free_port())
    await server.start()
    async with new_client() as http:
        visitor, its_desk = a_visitor(f"http://127.0.0.1:{port}", http), a_desk(http, tmp_path)
        app = FastAPI()
        its_desk.install(app)
        app.include_router(own.routes(its_desk))

        def asked(request: Request, workspace_id: str) -> Asked:
            return Asked(request, visitor, workspace_id, CLOCK)

        app.dependency_overrides[desk._member] = asked
        transport = httpx.ASGITransport(app)
        kept = {"tablesync_session": SESSION.get_secret_value()}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://dashboard.test", cookies=kept
        ) as client:
            client.headers["x-csrf"] = its_desk.form_token(SESSION)
            yield client
    server.stop()


async def made(browser: httpx.AsyncClient) -> str:
    """Make a token, and return the page that a browser is led to."""
    form = {"csrf": browser.headers["x-csrf"], "once": "1", "token_name": "For scripts"}
    answer = await browser.post("/w/ws_1/settings/tokens", data=form)
    assert answer.status_code == 303, answer.text
    assert MADE.api_token not in str(answer.headers)
    return str(answer.headers["location"])


async def test_a_new_token_is_shown_once(browser: httpx.AsyncClient) -> None:
    page = await made(browser)
    assert MADE.api_token in (await browser.get(page)).text
    assert MADE.api_token not in (await browser.get(page)).text


async def test_a_second_click_shows_it_too(browser: httpx.AsyncClient) -> None:
    page = [await made(browser) for _ in range(2)][-1]
    assert MADE.api_token in (await browser.get(page)).text


async def test_it_is_shown_in_no_other_workspace(browser: httpx.AsyncClient) -> None:
    page = await made(browser)
    assert MADE.api_token not in (await browser.get(page.replace("ws_1", "ws_2"))).text
