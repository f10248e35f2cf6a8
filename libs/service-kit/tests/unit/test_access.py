"""The access log and metrics: a route's template, never a path, a query or an invented method."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import REGISTRY
from tablesync.service_kit.http.access import use_instead_of_fastapis
from tablesync.test_kit.logs import own_logs


def client() -> httpx.AsyncClient:
    app = FastAPI()
    use_instead_of_fastapis(app)

    @app.get("/reconnect/{token}")
    async def page(token: str) -> str:
        return token

    @app.get("/healthz")
    async def alive() -> str:
        return "alive"

    @app.get("/cookies")
    async def cookies(request: Request) -> dict[str, str]:
        return request.cookies

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("canary")

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://auth-service")


def requests_in(said: str) -> list[dict[str, Any]]:
    """Return the lines that note a request; services of other suites say other things beside."""
    lines = [json.loads(each) for each in said.splitlines() if each.startswith("{")]
    return [each for each in lines if each["event"] == "request"]


def measured(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("http_request_seconds_count", labels) or 0


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/reconnect/canary?code=canary", "/reconnect/{token}", 200),
        ("GET", "/canary", "(no route)", 404),
        ("GET", "/broken", "/broken", 500),
        ("HEAD", "/reconnect/canary?code=canary", "/reconnect/{token}", 200),
    ],
)
async def test_p18_a_request_is_noted_by_its_route(
    capsys: pytest.CaptureFixture[str], method: str, path: str, route: str, status: int
) -> None:
    before = measured(method, route, status)
    async with client() as kit:
        await kit.request(method, path)
    said = capsys.readouterr().out
    (line,) = requests_in(said)
    assert (line["method"], line["route"], line["status"]) == (method, route, status)
    assert "canary" not in said
    assert measured(method, route, status) == before + 1


async def test_a_probe_by_head_is_answered_as_by_get() -> None:
    """What watches from outside often asks so; nothing of it is noted either."""
    with own_logs() as logs:
        async with client() as kit:
            answers = [await kit.request(method, "/healthz") for method in ("GET", "HEAD")]
    assert [each.status_code for each in answers] == [200, 200]
    assert logs == []


async def test_an_invented_method_makes_no_label() -> None:
    async with client() as kit:
        await kit.request("CANARY", "/nowhere")
    assert measured("(other)", "(no route)", 404) >= 1
    assert measured("CANARY", "(no route)", 404) == 0


async def test_a_cookie_that_is_quoted_at_length_hides_no_other() -> None:
    """Reading it takes a time that grows with its square; a browser may send such of others."""
    odd = 'odd="' + '\\"' * 10 + '"'
    async with client() as kit:
        for sent in (f"a=1; {odd}; b=two", f"{odd};a=1;b=two", f"a=1;b=two; {odd}"):
            answer = await kit.get("/cookies", headers={"Cookie": sent})
            assert answer.json() == {"a": "1", "b": "two"}
