"""The wizard's draft is kept by scheduler: addresses stay short, and no two tabs mix unseen."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from dashboard_examples import CLOCK, SESSION, a_desk, a_visitor, like
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from tablesync.contracts import new_id
from tablesync.contracts.internal_api import (
    AirtableBase,
    AirtableBases,
    AirtableField,
    AirtableTable,
    AirtableTables,
    SourceObject,
    SourceObjects,
    SourceProperties,
    SourceProperty,
)
from tablesync.contracts.public_api.catalog import Trial
from tablesync.contracts.public_api.connections import (
    ConnectionView,
    ExtraPermission,
    ProviderList,
    ProviderView,
)
from tablesync.contracts.public_api.schedules import NextSlots
from tablesync.contracts.public_api.sync_drafts import SyncDraft, SyncDraftSummary
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.pages import faults
from tablesync.dashboard.pages.making import new_table, wizard
from tablesync.dashboard.web import desk
from tablesync.dashboard.web.desk import Asked, PageContext
from tablesync.dashboard.web.rendering import Rendering
from tablesync.service_kit.http.client import new_client
from tablesync.test_kit import free_port
from tablesync.test_kit.stand_ins.web_server import WebServer

pytestmark = [pytest.mark.unit, pytest.mark.timeout(60)]

MANY, FEW = 500, 10
NEW = "/w/ws_1/syncs/new"
SYNC_ID = "syn_1"
# What our own server, a proxy and a Referer take between them.
SHORT = 200
BASE = AirtableBase(id="appDeals000000001", name="Deals", permission_level="create")
TABLES = ("tblDeals000000001", "tblOthers00000001")
SCHEDULE = {"name": "All deals", "every": "15", "unit": "minutes", "overlap": "coalesce"}
EXTRA = like(ExtraPermission)
SOURCE = like(ConnectionView, id="con_s", provider="hubspot", status="connected")
TARGET = like(ConnectionView, id="con_t", provider="airtable", status="connected")
PROVIDERS = (
    like(ProviderView, name="hubspot", is_source=True, is_destination=False),
    like(ProviderView, name="airtable", is_source=False, is_destination=True, extras=[EXTRA]),
)


def a_field(number: int) -> AirtableField:
    name = f"Field {number}"
    return AirtableField(id=f"fld{number:014}", name=name, type="singleLineText", mergeable=True)


def a_property(number: int) -> SourceProperty:
    name = f"a_rather_long_property_name_{number}"
    return SourceProperty(name=name, label=f"Property {number}", type="string")


def a_problem(status: int, type_: str, detail: str = "Not now.") -> Response:
    problem = {"type": f"urn:tablesync:problem:{type_}", "status": status, "detail": detail}
    return JSONResponse(problem, status)


class Services:
    """All services at one address: they know drafts, refuse to make tables, and make one sync.

    Both ends have as many fields.
    """

    def __init__(self, count: int) -> None:
        self.properties = [a_property(each) for each in range(count)]
        self.fields = [a_field(each) for each in range(count)]
        self.known = self.all_known()
        self.drafts: dict[str, dict[str, Any]] = {}
        self.asked_for: list[dict[str, Any]] = []
        self.app = FastAPI()
        every = ["GET", "POST", "PUT", "DELETE"]
        self.app.api_route("/v1/{path:path}", methods=every)(self.answer)

    @property
    def mapping(self) -> dict[str, str]:
        """The form in which each property goes to its field."""
        both = zip(self.properties, self.fields, strict=True)
        return {f"field.{source.name}": field.id for source, field in both} | {
            "key": self.properties[0].name
        }

    def all_known(self) -> dict[str, BaseModel]:
        key = self.fields[0].id
        tables = tuple(
            AirtableTable(id=each, name=each[3:8], primary_field_id=key, fields=self.fields)
            for each in TABLES
        )
        deals = SourceObject(name="deals", label="Deals")
        return {
            "providers": ProviderList(items=PROVIDERS),
            "catalog/con_s/objects": SourceObjects(items=(deals,)),
            "catalog/con_s/objects/deals/properties": SourceProperties(
                items=tuple(self.properties)
            ),
            "catalog/con_t/bases": AirtableBases(items=(BASE,)),
            f"catalog/con_t/bases/{BASE.id}/tables": AirtableTables(items=tables),
            "connections/con_t": TARGET,
            "trials": Trial(records=(), rejected=0),
            "schedules/preview": like(NextSlots),
            f"syncs/{SYNC_ID}": like(SyncView, id=SYNC_ID, name="All deals"),
        }

    async def answer(self, path: str, request: Request) -> Response:
        said = await request.json() if await request.body() else {}
        first, _, rest = path.partition("/")
        if first == "sync-drafts":
            return self.of_drafts(request.method, rest, said)
        if path == "connections":
            items = [each.model_dump(mode="json", by_alias=True) for each in (SOURCE, TARGET)]
            return JSONResponse({"items": items, "next_cursor": None})
        if request.method == "POST" and path.endswith("/tables"):
            return a_problem(409, "permission-missing")
        if path == "syncs":
            return self.make(said)
        if path not in self.known:
            return a_problem(404, "not-found")
        return Response(
            self.known[path].model_dump_json(by_alias=True), media_type="application/json"
        )

    def of_drafts(self, method: str, id_: str, said: dict[str, Any]) -> Response:
        if method == "POST":
            id_ = new_id("drf")
            self.drafts[id_] = {**like(SyncDraft).model_dump(mode="json"), "id": id_, "version": 0}
        if not id_:
            return JSONResponse({"items": list(self.drafts.values())})
        if (draft := self.drafts.get(id_)) is None:
            return a_problem(404, "not-found")
        if method == "DELETE" and draft.get("sync_id"):
            return a_problem(409, "edited-meanwhile")
        if method == "DELETE":
            return JSONResponse(self.drafts.pop(id_))
        if said.pop("version", draft["version"]) != draft["version"]:
            return a_problem(409, "edited-meanwhile")
        if said:
            draft |= {**said, "version": draft["version"] + 1}
        return JSONResponse(draft)

    def make(self, said: dict[str, Any]) -> Response:
        draft = self.drafts[said["draft"]["id"]]
        if draft["version"] != said["draft"]["version"]:
            return a_problem(409, "edited-meanwhile")
        self.asked_for.append(said)
        draft |= {"contents": "", "sync_id": SYNC_ID}
        made = self.known[f"syncs/{SYNC_ID}"].model_dump_json(by_alias=True)
        return Response(made, media_type="application/json")


class Tab:
    """A tab of a browser: it opens pages, and sends the form of the page that it shows."""

    def __init__(self, http: httpx.AsyncClient, csrf: str, mapping: dict[str, str]) -> None:
        self.http, self.csrf, self.mapping = http, csrf, mapping
        self.addresses: list[str] = []
        self.shown: httpx.Response

    async def open(self, address: str) -> httpx.Response:
        self.addresses.append(address)
        self.shown = await self.http.get(address)
        return self.shown

    async def send(self, **typed: str) -> httpx.Response:
        """Send the form, and follow where it leads."""
        hidden = re.findall(
            r'<input type="hidden" name="([^"]+)" value="([^"]*)">', self.form(self.text)
        )
        said = {name: unescape(value) for name, value in hidden}
        answer = await self.http.post(self.action, data={**said, "csrf": self.csrf, **typed})
        if answer.status_code == 303:
            return await self.open(answer.headers["location"])
        self.shown = answer
        return answer

    @property
    def text(self) -> str:
        return self.shown.text

    @property
    def action(self) -> str:
        return unescape(re.findall(r'action="([^"]+)"', self.form(self.text))[0])

    @property
    def draft_id(self) -> str:
        return parse_qs(urlsplit(self.addresses[-1]).query)["draft"][0]

    @staticmethod
    def form(page: str) -> str:
        """Return the form that goes on; what stands before it is of other things."""
        return page[page.index('<form class="stack"') :]

    async def goes_to(self, step: str) -> None:
        """Go through the steps before one."""
        await self.open(NEW)
        await self.send(connection="con_s", object="deals")
        for name, typed in (
            ("table", {"target": "con_t", "base": BASE.id, "table": TABLES[0]}),
            ("mapping", self.mapping),
            ("schedule", SCHEDULE),
        ):
            if name == step:
                return
            assert f"step={name}" in self.addresses[-1], self.text
            await self.send(**typed)


@pytest.fixture
def services(request: pytest.FixtureRequest) -> Services:
    return Services(getattr(request, "param", FEW))


@pytest_asyncio.fixture
async def tabs(services: Services, tmp_path: Path) -> AsyncIterator[tuple[Tab, Tab]]:
    """Yield two tabs of one browser."""
    server = WebServer(services.app, port := free_port())
    await server.start()
    async with new_client() as http:
        visitor, its_desk = a_visitor(f"http://127.0.0.1:{port}", http), a_desk(http, tmp_path)
        app = FastAPI()
        its_desk.install(app)
        faults.install(app, its_desk, {})
        for each in (wizard, new_table):
            app.include_router(each.routes(its_desk))

        def asked(request: Request) -> Asked:
            request.state.asked = found = Asked(request, visitor, "ws_1", CLOCK)
            return found

        app.dependency_overrides[desk._member] = asked
        transport = httpx.ASGITransport(app)
        kept = {"tablesync_session": SESSION.get_secret_value()}
        client = httpx.AsyncClient(
            transport=transport, base_url="http://dashboard.test", cookies=kept
        )
        async with client as browser:
            knows = (browser, its_desk.form_token(SESSION), services.mapping)
            yield Tab(*knows), Tab(*knows)
    server.stop()


Tabs = tuple[Tab, Tab]


@pytest.mark.parametrize("services", [MANY], indirect=True)
async def test_no_address_of_500_mapped_fields_is_too_long_for_anybody(tabs: Tabs) -> None:
    tab, _ = tabs
    await tab.goes_to("trial")
    assert "500 fields" in tab.text
    assert max(map(len, tab.addresses)) <= SHORT


async def test_a_draft_goes_on_where_it_was_left_with_all_that_was_chosen(tabs: Tabs) -> None:
    tab, other = tabs
    await tab.goes_to("schedule")
    await other.open(f"{NEW}?draft={tab.draft_id}")
    assert "How often does it run?" in other.text
    await other.open(f"{NEW}?step=mapping&draft={tab.draft_id}")
    assert other.text.count(" selected>") == FEW
    await other.open(NEW)
    assert "Begun and not finished" in other.text
    assert f"{NEW}?draft={tab.draft_id}" in other.text


async def test_what_was_typed_with_faults_is_kept_too_once_there_is_a_draft(
    tabs: Tabs, services: Services
) -> None:
    tab, _ = tabs
    await tab.open(NEW)
    assert (await tab.send(connection="con_s")).status_code == 422
    assert services.drafts == {}
    await tab.goes_to("schedule")
    here = tab.addresses[-1]
    assert (await tab.send(**{**SCHEDULE, "every": "never"})).status_code == 422
    await tab.open(here)
    assert 'value="All deals"' in tab.text


async def test_two_drafts_do_not_mix(tabs: Tabs, services: Services) -> None:
    for each in tabs:
        await each.goes_to("table")
    for tab, table in zip(tabs, TABLES, strict=True):
        await tab.send(target="con_t", base=BASE.id, table=table)
    for tab, table in zip(tabs, TABLES, strict=True):
        assert table in services.drafts[tab.draft_id]["contents"]


async def test_one_draft_in_two_tabs_is_told_and_not_merged_unseen(
    tabs: Tabs, services: Services
) -> None:
    one, two = tabs
    await one.goes_to("table")
    await two.open(one.addresses[-1])
    chosen = {"target": "con_t", "base": BASE.id}
    await one.send(**chosen, table=TABLES[0])

    told = await two.send(**chosen, table=TABLES[1])

    assert told.status_code == 409
    assert "in another tab meanwhile" in two.text
    (draft,) = services.drafts.values()
    assert TABLES[0] in draft["contents"]
    await two.send(**chosen, table=TABLES[1])
    assert TABLES[1] in draft["contents"]
    assert "step=mapping" in two.addresses[-1]


async def test_a_page_that_was_gone_back_to_and_says_the_same_goes_on(tabs: Tabs) -> None:
    one, old = tabs
    await one.goes_to("table")
    await old.open(one.addresses[-1])
    chosen = {"target": "con_t", "base": BASE.id, "table": TABLES[0]}
    for each in (one, old):
        await each.send(**chosen)
        assert "step=mapping" in each.addresses[-1]


async def test_a_sync_is_made_of_what_was_shown_and_once(tabs: Tabs, services: Services) -> None:
    one, two = tabs
    await one.goes_to("trial")
    await two.open(one.addresses[-1])
    await one.open(f"{NEW}?step=schedule&draft={one.draft_id}")
    await one.send(**{**SCHEDULE, "every": "20"})

    assert (await two.send()).status_code == 409
    assert services.asked_for == []
    for each in (two, one):
        await each.send()
        assert each.addresses[-1] == f"/w/ws_1/syncs/{SYNC_ID}"
    (made,) = services.asked_for
    assert (len(made["mapping"]), made["schedule"]) == (FEW - 1, {"every_seconds": 1_200})
    again = await two.http.get(f"{NEW}?step=trial&draft={made['draft']['id']}")
    assert again.headers["location"] == f"/w/ws_1/syncs/{SYNC_ID}"


async def test_a_draft_that_is_gone_is_told_with_a_way_on(tabs: Tabs, services: Services) -> None:
    tab, _ = tabs
    await tab.goes_to("mapping")
    said = {"csrf": tab.csrf, "draft": tab.draft_id, "once": "1"}
    for _ in range(2):
        answer = await tab.http.post(f"{NEW}/discard", data=said)
        assert answer.headers["location"] == "/w/ws_1/syncs"
    assert services.drafts == {}
    for gone in (await tab.send(**tab.mapping), await tab.http.get(f"{NEW}?draft=../syncs")):
        assert gone.status_code == 404
        assert "This draft is not there any more" in gone.text
        assert f'href="{NEW}"' in gone.text


async def test_leaving_to_allow_tables_and_coming_back_loses_nothing(
    tabs: Tabs, services: Services
) -> None:
    tab, _ = tabs
    await tab.goes_to("table")
    await tab.send(target="con_t", base=BASE.id, make="table")
    assert tab.addresses[-1] == f"{NEW}/table?draft={tab.draft_id}"
    chosen = services.properties[7].name
    before = tab.shown
    for _ in range(2):
        # Of two clicks a browser shows what the second one gets.
        tab.shown = before
        await tab.send(name="Deals of ours", property=chosen)
    assert f'name="back" value="{tab.addresses[-1]}"' in tab.text
    await tab.open(tab.addresses[-1])
    assert 'value="Deals of ours"' in tab.text
    assert re.findall(r'name="property" value="([^"]+)" checked', tab.text) == [chosen]


async def test_no_table_is_made_in_a_base_that_the_tab_does_not_show(
    tabs: Tabs, services: Services
) -> None:
    tab, _ = tabs
    await tab.goes_to("table")
    await tab.send(target="con_t", base=BASE.id, make="table")
    before, typed = tab.shown, {"name": "Deals", "property": services.properties[7].name}
    await tab.send(**typed)
    draft = services.drafts[tab.draft_id]
    elsewhere = draft["contents"].replace(BASE.id, f"{BASE.id[:-1]}9")
    draft |= {"contents": elsewhere, "version": draft["version"] + 1}
    tab.shown = before
    assert (await tab.send(**typed)).status_code == 409
    assert "in another tab meanwhile" in tab.text


async def test_a_draft_that_is_finished_is_not_discarded_but_leads_to_its_sync(tabs: Tabs) -> None:
    tab, _ = tabs
    await tab.goes_to("trial")
    said = {"csrf": tab.csrf, "draft": tab.draft_id, "once": "1"}
    await tab.send()
    answer = await tab.http.post(f"{NEW}/discard", data=said)
    assert answer.headers["location"] == f"/w/ws_1/syncs/{SYNC_ID}"


@pytest.mark.parametrize("many", [1, 3, 4, 50])
def test_a_few_drafts_are_shown_and_the_others_are_a_click_away(many: int) -> None:
    """The list of syncs, or the first step, stands below them."""
    asked = Asked(
        Request({"type": "http"}), a_visitor("http://x", httpx.AsyncClient()), "ws_1", CLOCK
    )
    context = PageContext(asked, may_operate=True, may_administer=False, csrf="", once="")
    drafts = [like(SyncDraftSummary, id=f"drf_{each}", title=f"No {each}") for each in range(many)]
    shown = Rendering("test").part("parts/drafts.html", "begun", drafts, context)
    above, folded, below = shown.partition("<details")
    assert (above.count("Continue"), below.count("Continue")) == (min(many, 3), max(many - 3, 0))
    assert bool(folded) is (many > 3)
    if folded:
        assert f"<summary>{many - 3} more</summary>" in below
        assert "open" not in below.partition(">")[0]
