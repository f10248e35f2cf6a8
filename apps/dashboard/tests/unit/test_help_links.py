"""Cards, syncs and runs lead to the page that explains them; what is well leads nowhere."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dashboard_examples import like
from fastapi import Request
from pydantic import SecretStr
from tablesync.client import SessionToken, TableSync
from tablesync.contracts.public_api.connections import AuthorizationView, ConnectionView
from tablesync.contracts.public_api.people import UserToken
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.shown.cards import Deck
from tablesync.dashboard.shown.runs import ShownRun
from tablesync.dashboard.shown.syncs import ShownSync
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.desk import Asked, PageContext
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.visitors import Visitor

CLOCK = Clock(datetime(2026, 11, 27, 12, tzinfo=UTC), ZoneInfo("UTC"))
RENDERING = Rendering("test")
HOLD = {"kind": "connection", "cause": "grant_revoked", "since": "2026-11-27T09:00:00Z"}


def page() -> PageContext:
    session = SecretStr("session")
    who = like(UserToken)
    visitor = Visitor(TableSync({}, SessionToken(session)), who, session)
    asked = Asked(Request({"type": "http"}), visitor, "ws_1", CLOCK)
    return PageContext(asked, may_operate=True, may_administer=False, csrf="", once="")


def card(under_way: AuthorizationView | None = None, **changes: Any) -> str:
    connection = like(ConnectionView, **changes)
    deck = Deck([connection], {}, uses=None, pending=[under_way] if under_way else ())
    return RENDERING.part("parts/cards.html", "card", deck.card(connection, CLOCK), page())


def sync(**changes: Any) -> str:
    shown = ShownSync(like(SyncView, **changes), CLOCK)
    return RENDERING.part("parts/sync.html", "state", shown, None, [], "1", page())


def run(**changes: Any) -> str:
    shown = ShownRun(like(RunView, **changes), None, CLOCK)
    return RENDERING.part("parts/run.html", "run", shown, [], [], "1", page())


def meaning(name: str) -> str:
    return f'<a class="small" href="/help/{name}">What this means</a>'


@pytest.mark.parametrize(
    ("badge", "cause", "name"),
    [
        ("Disconnected", "app_uninstalled", "causes/app-uninstalled"),
        ("Disconnected", "of-tomorrow", "disconnected"),
        ("Needs attention", None, "needs-attention"),
        ("Disconnected by you", "operator", "disconnected-by-you"),
    ],
)
def test_a_card_leads_to_its_cause_or_to_its_state(badge: str, cause: str, name: str) -> None:
    assert meaning(name) in card(badge=badge, cause=cause)


def test_the_card_of_a_sign_in_under_way_leads_to_what_that_is() -> None:
    shown = card(like(AuthorizationView), status="lost", badge="Disconnected")
    assert meaning("sign-in-under-way") in shown


def test_what_is_well_or_new_to_this_version_leads_nowhere() -> None:
    assert "/help/" not in card(badge="Connected", cause=None)
    assert "/help/" not in card(badge="Of tomorrow", cause=None)
    assert "/help/" not in sync(state="fine", holds=[], hold=None)
    assert "/help/" not in run(status="succeeded", cause=None, counts={"read": 1, "written": 1})


def test_a_sync_leads_to_what_it_waits_for() -> None:
    assert meaning("waiting/connection") in sync(state="waiting", hold=HOLD, holds=[HOLD])
    lacking = {**HOLD, "kind": "resource", "cause": "A base was left out", "lacks": ["app1"]}
    assert meaning("waiting/not-granted") in sync(state="waiting", hold=lacking, holds=[lacking])


def test_a_sync_leads_to_why_it_fails_or_to_who_paused_it() -> None:
    failed = like(RunView, status="failed", cause="provider").model_dump(mode="json")
    failing = sync(state="failing", hold=None, holds=[], last_run=failed)
    assert meaning("failing/provider") in failing
    assert meaning("sync-paused") in sync(state="paused", status="paused", hold=None, holds=[])


def test_a_run_leads_to_why_it_failed_or_what_it_rejected() -> None:
    assert meaning("failing/stalled") in run(status="failed", cause="stalled")
    some = {"read": 3, "written": 1, "rejected": 2}
    assert meaning("rejected-records") in run(status="succeeded", cause=None, counts=some)
