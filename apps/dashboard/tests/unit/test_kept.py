"""A form that came after its session had ended: what was typed is kept, a button leads back."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from dashboard_examples import DASHBOARD, a_desk
from fastapi import FastAPI, Request
from pydantic import SecretStr
from tablesync.client import AwayError, UnconfirmedError
from tablesync.dashboard.pages import faults
from tablesync.dashboard.web.desk import Desk, Member
from tablesync.dashboard.web.forms import Form

pytestmark = pytest.mark.unit

AWAY = AwayError("scheduler", "does not answer")
UNCONFIRMED = UnconfirmedError("scheduler", "did not confirm the change", "key")
BEFORE, NOW = SecretStr("the session before"), SecretStr("the session now")
ON = {"referer": f"{DASHBOARD}/w/1/syncs?q=deals"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk; no service is there."""
    async with httpx.AsyncClient(trust_env=False) as http:
        yield a_desk(http, tmp_path)


@pytest.fixture
def said() -> list[Form]:
    """What a form that nobody answered has said each time."""
    return []


@pytest.fixture
async def browser(desk: Desk, said: list[Form]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at two forms: one of a workspace, and one of none."""
    app = FastAPI()
    desk.install(app)
    faults.install(app, desk, {})

    @app.get("/w/{workspace_id}/syncs")
    async def with_a_button(asked: Member) -> None: ...

    @app.post("/w/{workspace_id}/forms")
    async def of_a_workspace(asked: Member) -> None: ...

    @app.post("/forms")
    async def of_none(request: Request) -> str:
        return (await desk.form(request)).get("name")

    @app.post("/silent")
    async def of_somebody_silent(request: Request) -> None:
        said.append(await desk.form(request))
        raise UNCONFIRMED if request.headers["x-answer"] == "unconfirmed" else AWAY

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=DASHBOARD) as client:
        yield client


def sent(desk: Desk, **typed: object) -> dict[str, object]:
    return {"csrf": desk.form_token(BEFORE), "once": "x", **typed}


async def test_what_was_typed_is_kept_for_whoever_signs_in_again(
    browser: httpx.AsyncClient, desk: Desk
) -> None:
    typed = sent(desk, name="<b>Typed</b>", sync=["1", "2"])
    answer = await browser.post("/w/1/forms", data=typed, headers=ON)
    assert answer.status_code == 401
    assert 'name="name" value="&lt;b&gt;Typed&lt;/b&gt;"' in answer.text
    assert answer.text.count('name="sync"') == 2
    assert 'href="/sign-in?return_to=/w/1/syncs%3Fq%3Ddeals" target="_blank"' in answer.text


async def test_a_button_leads_to_the_sign_in_and_back_to_where_it_is(
    browser: httpx.AsyncClient, desk: Desk
) -> None:
    answer = await browser.post("/w/1/forms", data=sent(desk), headers=ON)
    assert answer.headers["location"] == "/sign-in?return_to=/w/1/syncs%3Fq%3Ddeals"


async def test_what_was_typed_is_sent_once_more_by_whoever_signed_in_anew(
    browser: httpx.AsyncClient, desk: Desk
) -> None:
    browser.cookies.set(desk.cookies.name("session"), NOW.get_secret_value())
    asked = await browser.post("/forms", data=sent(desk, name="Typed"))
    assert (asked.status_code, asked.text.count("Typed")) == (403, 1)
    shown = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text)

    answer = await browser.post("/forms", data=dict(shown))

    assert answer.json() == "Typed"


@pytest.mark.parametrize("error", [AWAY, UNCONFIRMED])
async def test_what_was_sent_to_a_service_that_is_silent_is_sent_once_more_as_the_same_act(
    browser: httpx.AsyncClient, desk: Desk, said: list[Form], error: AwayError
) -> None:
    browser.cookies.set(desk.cookies.name("session"), BEFORE.get_secret_value())
    browser.headers["x-answer"] = "unconfirmed" if error is UNCONFIRMED else "away"
    asked = await browser.post("/silent", data=sent(desk, name="<b>", sync=["1", "2"]))
    assert asked.status_code == 503
    assert "kept in this tab" in asked.text
    shown = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text)
    typed = {name: [unescape(each) for key, each in shown if key == name] for name, _ in shown}

    await browser.post("/silent", data=typed)

    first, second = said
    assert first.get("once") == second.get("once")
    assert second.all("sync") == ["1", "2"]
    assert second.get("name") == "<b>"


async def test_a_button_whose_script_opens_a_window_is_a_button_all_the_same(
    browser: httpx.AsyncClient, desk: Desk
) -> None:
    pressed = sent(desk, window="popup", draft="drf_1")
    answer = await browser.post("/w/1/forms", data=pressed, headers=ON)
    assert answer.headers["location"] == "/sign-in?return_to=/w/1/syncs%3Fq%3Ddeals"


async def test_a_form_that_is_none_of_ours_is_kept_by_nobody(
    browser: httpx.AsyncClient, desk: Desk
) -> None:
    browser.cookies.set(desk.cookies.name("session"), NOW.get_secret_value())
    answer = await browser.post("/forms", data={"csrf": "made up", "name": "Typed"})
    assert answer.status_code == 403
    assert "Typed" not in answer.text
