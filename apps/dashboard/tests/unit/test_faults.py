"""Where a fault sends people to look again, and what it says of a change that nobody confirmed."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
import pytest_asyncio
from dashboard_examples import no_services
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from structlog.testing import capture_logs
from tablesync.client import AwayError, InvalidError, UnconfirmedError
from tablesync.client.errors import Problem
from tablesync.dashboard.bootstrap import build
from tablesync.dashboard.pages.faults import fault_of
from tablesync.dashboard.pages.making.steps.base import trouble
from tablesync.dashboard.web.desk import sign_in_path

pytestmark = pytest.mark.unit

UNCONFIRMED = UnconfirmedError("sync-runner", "did not confirm the change", "key")
AWAY = AwayError("sync-runner", "does not answer")


# Whatever an address may name, so that it is none of ours by itself.
NAMED = "named"
ORIGIN = "https://dashboard.example"


@pytest_asyncio.fixture
async def app(tmp_path: Path) -> FastAPI:
    """All pages there are, practice among them."""
    return build(no_services(tmp_path, sandbox_url="http://127.0.0.1:9")).app


@pytest.fixture
def routes(app: FastAPI) -> list[APIRoute]:
    return [each for each in app.routes if isinstance(each, APIRoute)]


@pytest_asyncio.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


def named(path: str) -> str:
    """Return an address of a route."""
    return "/".join(NAMED if each.startswith("{") else each for each in path.split("/"))


def above_of(path: str) -> list[str]:
    """Return a route's path and those above it, the nearest first."""
    parts = path.split("/")
    return ["/".join(parts[:many]) for many in range(len(parts), 1, -1)]


def a_request(app: FastAPI, method: str, *, referer: str = "", query: str = "") -> Request:
    named = {"host": "dashboard.example", **({"referer": referer} if referer else {})}
    headers = [(name.encode(), value.encode()) for name, value in named.items()]
    scope = {"type": "http", "method": method, "path": "/w/1/syncs", "headers": headers, "app": app}
    return Request({**scope, "query_string": query.encode(), "scheme": "https"})


@pytest.mark.parametrize("error", [AWAY, UNCONFIRMED])
def test_a_change_is_looked_at_again_on_the_page_of_its_form(
    app: FastAPI, error: AwayError
) -> None:
    form_page = f"{ORIGIN}/w/1/syncs/2/edit?draft=a%20b"
    fault = fault_of(error, a_request(app, "POST", referer=form_page))
    assert fault.path == "/w/1/syncs/2/edit?draft=a%20b"


@pytest.mark.parametrize("referer", ["", "https://[", "https://dashboard.example//evil.example"])
def test_without_a_page_to_go_back_to_it_is_the_first_one(app: FastAPI, referer: str) -> None:
    assert fault_of(UNCONFIRMED, a_request(app, "POST", referer=referer)).path == "/"


def test_a_page_is_asked_for_again_with_what_was_chosen_on_it(app: FastAPI) -> None:
    asked = a_request(app, "GET", query="state=held")
    assert fault_of(AWAY, asked).path == "/w/1/syncs?state=held"


def test_no_link_leads_to_an_address_that_only_takes_forms(
    app: FastAPI, routes: list[APIRoute]
) -> None:
    """A form is answered where it was sent: a page with its faults, or that nobody answered."""
    pages = {each.path for each in routes if "GET" in (each.methods or ())}
    for form in (each.path for each in routes if "POST" in (each.methods or ())):
        asked = a_request(app, "POST", referer=f"{ORIGIN}{named(form)}?step=key")
        led = fault_of(UNCONFIRMED, asked).path
        above = [each for each in (*above_of(form), "/") if each in pages]
        assert led == named(above[0]) + ("?step=key" if above[0] == form else "")
        signed_in = unquote(sign_in_path(asked).partition("?return_to=")[2]) or "/"
        assert signed_in == led


@pytest.mark.parametrize(
    ("form", "page"),
    [
        ("settings/tokens", "settings"),
        ("settings/members/op_1/role", "settings"),
        ("connect/hubspot", "connect"),
        ("syncs/bulk", "syncs"),
        ("syncs/syn_1/pause", "syncs/syn_1"),
        ("connections/con_1/run", "connections/con_1"),
    ],
)
def test_a_form_that_was_answered_is_looked_at_again_where_it_stands(
    app: FastAPI, form: str, page: str
) -> None:
    asked = a_request(app, "POST", referer=f"{ORIGIN}/w/ws_1/{form}")
    assert fault_of(UNCONFIRMED, asked).path == f"/w/ws_1/{page}"


async def test_loading_the_answer_to_a_form_by_its_address_leads_to_the_page_of_the_form(
    browser: httpx.AsyncClient,
) -> None:
    answer = await browser.get("/w/ws_1/settings/tokens")
    assert (answer.status_code, answer.headers["location"]) == (303, "/w/ws_1/settings")


def test_of_an_unconfirmed_change_no_step_says_that_nothing_was_changed() -> None:
    assert "Nothing was changed" in trouble(AWAY)
    told = trouble(UNCONFIRMED)
    assert "Nothing was changed" not in told
    assert "it may have been done, or not. Look again" in told


def test_an_address_that_a_service_cannot_read_leads_to_its_page(app: FastAPI) -> None:
    """A cursor of yesterday or half a link: what the service says of it is for programs."""
    problem = Problem(422, "urn:tablesync:problem:invalid-request", "cursor: is not one of ours")
    error = InvalidError("scheduler", problem)
    fault = fault_of(error, a_request(app, "GET", query="cursor=zzz"))
    assert (fault.status, fault.path, fault.action) == (422, "/w/1/syncs", "Go to the page")
    assert "cursor" not in fault.title + fault.text
    assert "cursor" in fault_of(error, a_request(app, "POST")).text


async def test_a_page_that_broke_says_so_and_where_is_in_the_log(app: FastAPI) -> None:
    """What it says is left out: it may hold what somebody has typed."""
    secret = "typed by somebody"

    @app.get("/breaks")
    async def breaks() -> None:
        raise RuntimeError(secret)

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        with capture_logs() as logged:
            page = await client.get("/breaks")

    assert (page.status_code, "This page broke" in page.text) == (500, True)
    (noted,) = (each for each in logged if each["event"] == "unhandled error")
    assert noted["route"] == "/breaks"
    assert "RuntimeError" in noted["error"]
    assert secret not in str(noted)
