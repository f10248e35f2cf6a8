"""Many syncs at once: no more is changed than somebody has seen."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
from dashboard_examples import Pages, browsing, like
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from tablesync.contracts.public_api.bulk_changes import BulkChangeView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.pages import syncs
from tablesync.dashboard.web.answers import see_other
from tablesync.dashboard.web.desk import Desk
from tablesync.dashboard.web.forms import Form

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]

LIST = "/w/ws_1/syncs"
BEGUN = like(BulkChangeView)


class PagesAndForms(Pages):
    """Pages, and the forms that they take."""

    async def form(self, request: Request) -> Form:
        return await Form.of(request)

    def back(self, request: Request, path: str, *_: str) -> Response:
        return see_other(request, path)


class Scheduler:
    """Has so many syncs that all match, and changes them if that is what somebody has seen."""

    def __init__(self) -> None:
        self.app, self.matching = FastAPI(), 3
        self.changed: list[tuple[str, int]] = []
        self.app.get("/v1/syncs")(self.page)
        self.app.get("/v1/syncs/counts")(self.count)
        self.app.get("/v1/connections/names")(self.names)
        self.app.get("/v1/sync-drafts")(self.names)
        self.app.post("/v1/syncs/bulk")(self.change)

    async def page(self) -> Response:
        one = like(SyncView).model_dump_json(by_alias=True)
        text = f'{{"items": [{one}], "next_cursor": null}}'
        return Response(text, media_type="application/json")

    async def count(self) -> dict[str, Any]:
        return {"total": self.matching, "states": {"failing": self.matching}}

    async def names(self) -> dict[str, Any]:
        return {"items": [], "next_cursor": None}

    async def change(self, request: Request) -> Response:
        asked = await request.json()
        if asked["seen"] != self.matching:
            type_ = "urn:tablesync:problem:others-match"
            problem = {"type": type_, "title": "Conflict", "status": 409, "detail": "Others."}
            return JSONResponse(problem, 409, media_type="application/problem+json")
        self.changed.append((asked["action"], self.matching))
        return Response(BEGUN.model_dump_json(), 202, media_type="application/json")


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler()


@pytest_asyncio.fixture
async def browser(scheduler: Scheduler) -> AsyncIterator[httpx.AsyncClient]:
    pages = [make(cast(Desk, PagesAndForms())) for make in (syncs.routes, syncs.change_routes)]
    async with browsing(scheduler.app, *pages) as browser:
        yield browser


def form_of(page: str) -> dict[str, str]:
    """Return what the form of a page for many syncs brings along."""
    _, _, form = page.partition(f'action="{LIST}/bulk"')
    return {
        unescape(name): unescape(value)
        for name, value in re.findall(
            r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form.partition("</form>")[0]
        )
    }


async def choose_all(browser: httpx.AsyncClient, action: str) -> dict[str, str]:
    """Open the list; return the form in which all that match are chosen."""
    shown = (await browser.get(LIST)).text
    return {**form_of(shown), "chosen": "matching", "action": action}


@pytest.mark.parametrize(
    ("action", "asks", "words"),
    [
        ("pause", "Pause 5 syncs?", "Pause"),
        ("resume", "Resume 5 syncs?", "Resume"),
        ("run", "Ask 5 syncs to run now?", "Sync now"),
        ("delete", "Delete 5 syncs?", "Delete"),
    ],
)
async def test_all_that_match_are_as_many_as_the_page_said_or_somebody_is_asked(
    browser: httpx.AsyncClient, scheduler: Scheduler, action: str, asks: str, words: str
) -> None:
    form = await choose_all(browser, action)
    scheduler.matching = 5
    asked = await browser.post(f"{LIST}/bulk", data=form)
    assert f"<h1>{asks}</h1>" in asked.text
    assert "3 syncs matched when you" in asked.text
    assert f'<button class="b{" danger" if action == "delete" else " main"}">{words}<' in asked.text
    assert scheduler.changed == []

    scheduler.matching = 6
    once_more = await browser.post(f"{LIST}/bulk", data=form_of(asked.text))
    assert "5 syncs matched when you" in once_more.text
    assert (once_more.status_code, scheduler.changed) == (409, [])

    sure = await browser.post(f"{LIST}/bulk", data=form_of(once_more.text))
    assert sure.headers["location"] == f"/w/ws_1/bulk-changes/{BEGUN.id}"
    assert scheduler.changed == [(action, 6)]


async def test_all_that_match_are_changed_at_once_if_they_are_as_many_as_the_page_said(
    browser: httpx.AsyncClient, scheduler: Scheduler
) -> None:
    answer = await browser.post(f"{LIST}/bulk", data=await choose_all(browser, "pause"))
    assert (answer.status_code, scheduler.changed) == (303, [("pause", 3)])


async def test_whoever_deletes_is_told_nothing_of_a_change_that_was_none(
    browser: httpx.AsyncClient, scheduler: Scheduler
) -> None:
    asked = await browser.post(f"{LIST}/bulk", data=await choose_all(browser, "delete"))
    assert "Delete 3 syncs?" in asked.text
    assert "syncs matched when you" not in asked.text
    await browser.post(f"{LIST}/bulk", data=form_of(asked.text))
    assert scheduler.changed == [("delete", 3)]


@pytest.mark.parametrize("seen", ["", "many", "-1", "9" * 40])
async def test_a_form_that_does_not_say_what_was_seen_changes_nothing_unasked(
    browser: httpx.AsyncClient, scheduler: Scheduler, seen: str
) -> None:
    form = {**await choose_all(browser, "pause"), "seen": seen}
    assert "Pause 3 syncs?" in (await browser.post(f"{LIST}/bulk", data=form)).text
    assert scheduler.changed == []
