"""What every answer tells a browser not to do, and how its cookies are kept."""

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from tablesync.dashboard.web import headers
from tablesync.dashboard.web.cookies import Cookies

pytestmark = pytest.mark.unit


async def answer(*, secure: bool) -> httpx.Response:
    app, cookies = FastAPI(), Cookies(secure=secure)

    @app.get("/")
    async def page(request: Request) -> Response:
        shown = PlainTextResponse(cookies.get(request, "session") or "")
        cookies.set(shown, "session", "x")
        return shown

    headers.install(app, ["https://auth.test"], secure=secure)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://dash.test") as browser:
        await browser.get("/")
        return await browser.get("/")


def directives(response: httpx.Response) -> dict[str, list[str]]:
    said = response.headers["Content-Security-Policy"].split("; ")
    return {name: values for name, *values in (each.split(" ") for each in said)}


async def test_a_page_runs_nothing_but_our_own_files_and_stands_in_no_frame() -> None:
    policy = directives(await answer(secure=True))
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == ["'self'", "https://auth.test"]


async def test_over_https_cookies_are_bound_to_the_host_and_plain_http_is_forgotten() -> None:
    response = await answer(secure=True)
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-tablesync_session=x;")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert response.text == "x"
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_over_http_neither_is_sent() -> None:
    response = await answer(secure=False)
    assert response.headers["Set-Cookie"].startswith("tablesync_session=x;")
    assert "Secure" not in response.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"


async def test_an_answer_to_a_form_is_kept_for_the_button_that_leads_back_and_no_other() -> None:
    app = FastAPI()
    headers.install(app, [], secure=True)

    @app.api_route("/form", methods=["GET", "POST"])
    async def form() -> str:
        return "x"

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://tablesync.test") as browser:
        assert (await browser.get("/form")).headers["Cache-Control"] == "no-store"
        assert (await browser.post("/form")).headers["Cache-Control"] == "private, no-cache"
