"""An address that names two things shows the second only as a part of the first.

One that says from where on leads through all of a list.
"""

import json
from collections.abc import AsyncIterator
from html import unescape
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
from dashboard_examples import Pages, browsing, like
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from tablesync.contracts.public_api.catalog import DryRun
from tablesync.contracts.public_api.connection_uses import ConnectionUses
from tablesync.contracts.public_api.connections import (
    ConnectionEntry,
    ConnectionView,
    ProviderList,
    ProviderView,
)
from tablesync.contracts.public_api.incidents import IncidentView, MailPreview
from tablesync.contracts.public_api.ledger import SlotsView
from tablesync.contracts.public_api.receipts import ReceiptSummary
from tablesync.contracts.public_api.schedules import NextSlots
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.pages import connections, incidents, sync
from tablesync.dashboard.pages.making import dry_run
from tablesync.dashboard.web.desk import Desk
from tablesync.dashboard.web.forms import Form

pytestmark = [pytest.mark.unit, pytest.mark.timeout(20)]

MAIL = like(IncidentView).mails[0].id
KNOWN = {
    "syncs/syn_a": like(SyncView, id="syn_a"),
    "syncs/syn_b": like(SyncView, id="syn_b"),
    "dry-runs/dry_b": like(DryRun, id="dry_b", sync_id="syn_b"),
    "dry-runs/dry_of_a_draft": like(DryRun, id="dry_of_a_draft", sync_id=None),
    "dry-runs/dry_b/cancel": like(DryRun, id="dry_b", sync_id="syn_b"),
    "schedules/preview": like(NextSlots),
    "providers": ProviderList(items=(like(ProviderView),)),
    "connections/con_a": like(ConnectionView, id="con_a"),
    "connections/uses": ConnectionUses(items=()),
    "incidents/inc_x": like(IncidentView, id="inc_x", mails=[]),
    "incidents/inc_y": like(IncidentView, id="inc_y"),
    f"mails/{MAIL}/preview": like(MailPreview),
}


def pages(model: type[BaseModel], member: str, newest: str, older: str) -> dict[str, Any]:
    """Return a list of two pages with one entry each, by their cursors."""
    one, two = (
        json.loads(like(model, **{member: each}).model_dump_json(by_alias=True))
        for each in (newest, older)
    )
    return {
        "": {"items": [one], "next_cursor": OLDER},
        OLDER: {"items": [two], "next_cursor": None},
    }


# Needs quoting in an address, as a moment with its zone does.
OLDER = "2026-11-22T09:00:00+00:00"
LISTS = {
    "syncs/syn_a/slots": pages(SlotsView, "reason", "The newest slot.", "An older slot."),
    "connections/con_a/history": pages(
        ConnectionEntry, "at", "2026-11-24T10:11:00Z", "2026-10-22T12:13:00Z"
    ),
    "connections/con_a/receipts": pages(
        ReceiptSummary, "lost_at", "2026-11-21T14:15:00Z", "2026-10-21T16:17:00Z"
    ),
    "authorizations": {"": {"items": [], "next_cursor": None}},
    "runs": {"": {"items": [], "next_cursor": None}},
}


class PagesOfNoForm(Pages):
    """Pages, for which each form says nothing."""

    async def form(self, _: Request) -> Form:
        return Form()


class Services:
    """All services at one address; they keep what they were asked to change."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.changed: list[str] = []
        self.app.api_route("/v1/{path:path}", methods=["GET", "POST"])(self.answer)

    async def answer(self, path: str, request: Request) -> Response:
        from_where = request.query_params.get("cursor") or request.query_params.get("before")
        if from_where or path in LISTS:
            return JSONResponse(LISTS[path][from_where or ""])
        if path not in KNOWN:
            raise HTTPException(404)
        if request.method == "POST":
            self.changed.append(path)
        body = KNOWN[path].model_dump_json(by_alias=True)
        return Response(body, media_type="application/json")


@pytest.fixture
def services() -> Services:
    return Services()


@pytest_asyncio.fixture
async def dashboard(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    pages = [
        each.routes(cast(Desk, PagesOfNoForm())) for each in (dry_run, incidents, connections, sync)
    ]
    async with browsing(services.app, *pages) as browser:
        browser.base_url = browser.base_url.join("/w/ws_1")
        yield browser


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("syncs/syn_b/dry-run?id=dry_b", 200),
        ("syncs/syn_a/dry-run?id=dry_b", 404),
        ("syncs/syn_a/dry-run?id=dry_of_a_draft", 404),
        (f"incidents/inc_y/mails/{MAIL}", 200),
        (f"incidents/inc_x/mails/{MAIL}", 404),
    ],
)
async def test_what_is_of_another_is_not_there(
    dashboard: httpx.AsyncClient, path: str, status: int
) -> None:
    assert (await dashboard.get(path)).status_code == status


async def test_a_dry_run_is_cancelled_only_as_one_of_its_own_sync(
    dashboard: httpx.AsyncClient, services: Services
) -> None:
    assert (await dashboard.post("syncs/syn_a/dry-run/dry_b/cancel")).status_code == 404
    assert services.changed == []
    assert (await dashboard.post("syncs/syn_b/dry-run/dry_b/cancel")).status_code == 303
    assert services.changed == ["dry-runs/dry_b/cancel"]


@pytest.mark.parametrize(
    ("path", "link", "newest", "older"),
    [
        ("syncs/syn_a", "Older slots", "The newest slot.", "An older slot."),
        ("connections/con_a", "Older entries", "24 Nov, 10:11", "22 Oct, 12:13"),
        ("connections/con_a", "Older outages", "21 Nov, 14:15", "21 Oct, 16:17"),
    ],
)
async def test_a_list_leads_to_what_is_older_and_back(
    dashboard: httpx.AsyncClient, path: str, link: str, newest: str, older: str
) -> None:
    first = (await dashboard.get(path)).text
    assert newest in first
    assert older not in first
    onwards = unescape(first.partition(f">{link}</a>")[0].rpartition('href="')[2]).split('"')[0]
    assert onwards.startswith("?"), first
    second = (await dashboard.get(path + onwards)).text
    assert older in second
    assert link not in second
    back = unescape(second.partition(">Newest</a>")[0].rpartition('href="')[2]).split('"')[0]
    assert (await dashboard.get(path + back)).text == first


async def test_a_field_of_a_source_is_called_what_people_call_it_with_its_name_beside(
    dashboard: httpx.AsyncClient,
) -> None:
    shown = (await dashboard.get("syncs/syn_a")).text
    assert '<b class="name">Email</b><span class="sub"><code>email</code></span>' in shown
    counted = (await dashboard.get("syncs/syn_b/dry-run?id=dry_b")).text
    assert '<b class="name">E-mail</b> from <span class="name">Email</span>:' in counted
