"""All of a connection's page that changes is sent to whoever shows it, and nothing else."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from dashboard_examples import like
from fastapi import Request
from pydantic import SecretStr
from tablesync.client import Page, SessionToken, TableSync
from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.connections import ConnectionEntry, ConnectionView
from tablesync.contracts.public_api.people import UserToken
from tablesync.contracts.public_api.receipts import ReceiptSummary
from tablesync.contracts.public_api.runs import RunView
from tablesync.dashboard.live.parts import Part
from tablesync.dashboard.pages.connection_page import (
    ConnectionPage,
    KeptPast,
    Listing,
    Past,
    parts,
)
from tablesync.dashboard.shown.cards import Deck
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.desk import Asked, Desk, PageContext
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.silences import Silent
from tablesync.dashboard.web.visitors import Visitor

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
GAP = {"from": NOW - timedelta(hours=3), "to": NOW, "slots_missed": 9, "interrupted": False}
CATCH_UP = {"total": 3, "done": 1, "gap": GAP, "counts": {"read": 412}, "run_ids": []}
LOST = like(ConnectionView, id="con_1", badge="Disconnected", status="revoked")
BACK = like(ConnectionView, id="con_1", badge="Connected", status="connected")


def asked(tablesync: Any = None, now: datetime = NOW) -> Asked:
    session = SecretStr("session")
    known = tablesync or TableSync({}, SessionToken(session))
    visitor = Visitor(known, like(UserToken), session)
    return Asked(Request({"type": "http"}), visitor, "ws_1", Clock(now, ZoneInfo("UTC")))


def a_page(connection: ConnectionView = BACK, **use: Any) -> ConnectionPage:
    known = like(ConnectionUse, connection_id=connection.id, **use)
    deck = Deck([connection], {}, {connection.id: known})
    return ConnectionPage(deck.card(connection, asked().clock), ())


def a_past(**changes: Any) -> Past:
    events = Listing("", (Page([like(ConnectionEntry)]),))
    outages = Listing("", (Page([like(ReceiptSummary)]),))
    known: Any = {"runs": Page([like(RunView)]), "events": events, "outages": outages}
    return Past(**known | changes)


def sent(page: ConnectionPage | None = None, past: Past | None = None) -> dict[str, Part]:
    """Return the parts of a page."""

    def context(asked: Asked) -> PageContext:
        return PageContext(asked, may_operate=True, may_administer=False, csrf="", once="")

    desk = cast(Desk, SimpleNamespace(context=context, rendering=Rendering("test")))
    return {each.id: each for each in parts(desk, asked(), page or a_page(), past or a_past())}


def changed(before: dict[str, Part], after: dict[str, Part]) -> list[str]:
    return [each for each in before if before[each].version != after[each].version]


def test_each_part_is_at_its_place_and_says_its_version() -> None:
    nothing = a_past(events=Listing("", (Page([]),)), outages=Listing("", (Page([]),)))
    for id_, part in [*sent().items(), *sent(past=nothing).items()]:
        found = re.search(r'id="([\w-]+)"[^>]* data-version="(\w+)"', part.html())
        assert found
        assert found.groups() == (id_, part.version)


def test_a_reconnect_turns_it_green_and_shows_how_far_the_catch_up_is() -> None:
    lost, back = sent(a_page(LOST)), sent(a_page(catch_up=CATCH_UP))
    assert "connection" in changed(lost, back)
    assert "Reconnect" in lost["connection"].html()
    html = back["connection"].html()
    assert ">Connected</span>" in html
    assert '<progress value="1" max="3"' in html
    assert "Receipt so far" in html
    further = sent(a_page(catch_up={**CATCH_UP, "counts": {"read": 413}}))
    assert changed(back, further) == ["connection"]


def test_another_outage_and_another_entry_change_their_lists_and_what_is_drawn() -> None:
    outage = Page([like(ReceiptSummary, slots_missed=77), like(ReceiptSummary)])
    assert changed(sent(), sent(past=a_past(outages=Listing("", (outage,))))) == [
        "timeline",
        "outages",
    ]
    entries = Page([like(ConnectionEntry, kind="renamed"), like(ConnectionEntry)])
    assert changed(sent(), sent(past=a_past(events=Listing("", (entries,))))) == [
        "timeline",
        "events",
    ]


def test_what_nobody_tells_of_now_stays_as_a_tab_has_it_and_it_is_said_who() -> None:
    silent = Silent("scheduler")
    found = sent(past=a_past(runs=silent, outages=Listing("", (silent,))))
    assert [each for each in found if not found[each].version] == ["timeline", "outages"]
    assert "scheduler has not answered" in found["connection"].html()


class Services:
    """Tell of a connection's past, and count how often."""

    asked = 0

    async def page(self, *_: Any, **__: Any) -> Page[Any]:
        self.asked += 1
        return Page([])

    async def history(self, _: str) -> Page[Any]:
        return Page([])


async def test_its_past_is_asked_for_when_it_can_have_changed_and_once_a_minute() -> None:
    services, kept = Services(), KeptPast()
    known = SimpleNamespace(runs=services, receipts=services, connections=services)
    page = a_page(catch_up=CATCH_UP)
    for second in (0, 1, 2):
        read = a_page(catch_up={**CATCH_UP, "counts": {"read": 412 + second}})
        await kept.read(asked(known, NOW + timedelta(seconds=second)), read)
    assert services.asked == 2
    await kept.read(asked(known), a_page(catch_up={**CATCH_UP, "done": 2}))
    assert services.asked == 4
    await kept.read(asked(known, NOW + timedelta(minutes=1)), page)
    assert services.asked == 6
