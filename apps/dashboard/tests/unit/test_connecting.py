"""What becomes of an attempt to connect: a card while it goes on, and a way on when it ended."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dashboard_examples import like
from fastapi import Request
from pydantic import SecretStr
from tablesync.client import SessionToken, TableSync
from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.connections import (
    AuthorizationView,
    ConnectionView,
    ProviderView,
)
from tablesync.contracts.public_api.people import UserToken
from tablesync.dashboard.shown.cards import Begun, Deck
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.desk import Asked, PageContext
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.visitors import Visitor

pytestmark = pytest.mark.unit

CLOCK = Clock(datetime(2026, 11, 27, 12, tzinfo=UTC), ZoneInfo("UTC"))
RENDERING = Rendering("test")


def page(*, may_operate: bool = True) -> PageContext:
    session = SecretStr("session")
    visitor = Visitor(TableSync({}, SessionToken(session)), like(UserToken), session)
    asked = Asked(Request({"type": "http"}), visitor, "ws_1", CLOCK)
    return PageContext(asked, may_operate, may_administer=False, csrf="", once="")


def an_attempt(**changes: Any) -> AuthorizationView:
    start = "https://auth.example/connect/hubspot?authorization=1"
    pending = {"status": "pending", "connection_id": None, "start_url": start, "finding": None}
    return like(AuthorizationView, **{**pending, "provider": "hubspot", **changes})


def test_an_attempt_at_something_new_is_begun_and_one_at_a_connection_is_its_own() -> None:
    connection = like(ConnectionView)
    new, again = an_attempt(), an_attempt(connection_id=connection.id, asked_at=CLOCK.now)
    deck = Deck([connection], {}, uses=None, pending=[new, again])

    assert [each.attempt for each in deck.begun] == [new]
    assert deck.card(connection, CLOCK).under_way == again


@pytest.mark.parametrize("may_operate", [True, False])
def test_a_begun_sign_in_has_a_card_with_what_the_role_may_do(may_operate: bool) -> None:
    provider = like(ProviderView)
    shown = RENDERING.part(
        "parts/cards.html", "begun", Begun(an_attempt(), provider), page(may_operate=may_operate)
    )
    assert "Sign-in under way" in shown
    assert ("Continue" in shown) is ("Cancel" in shown) is may_operate


@pytest.mark.parametrize(
    ("status", "syncs", "offered"),
    [("connected", 3, "Sync all now"), ("connected", 0, None), ("disconnected", 3, None)],
)
def test_all_syncs_of_a_connection_that_works_are_run_from_its_card(
    status: str, syncs: int, offered: str | None
) -> None:
    connection = like(ConnectionView, status=status)
    use = like(ConnectionUse, connection_id=connection.id, syncs=syncs)
    deck = Deck([connection], {}, {connection.id: use})

    shown = RENDERING.part("parts/cards.html", "card", deck.card(connection, CLOCK), page())

    assert (f"/connections/{connection.id}/run" in shown) is (offered is not None)
    assert offered is None or offered in shown


@pytest.mark.parametrize("connection_id", [None, "con_1"])
def test_whoever_tries_again_still_comes_back_to_where_it_was_begun(
    connection_id: str | None,
) -> None:
    shown = RENDERING.text(
        "pages/connected.html",
        page=page(),
        clock=CLOCK,
        flash=None,
        here="/w/ws_1/connected",
        sandbox=False,
        attempt=an_attempt(status="denied", connection_id=connection_id, start_url=None),
        provider=like(ProviderView, asks_for=[]),
        well=False,
        back="/w/ws_1/syncs/7",
    )
    assert "Try again" in shown
    assert '<input type="hidden" name="back" value="/w/ws_1/syncs/7">' in shown


def test_a_base_that_syncs_wait_for_needs_attention_and_is_named() -> None:
    connection = like(ConnectionView, status="connected", badge="Connected", findings=[])
    left_out = "The base Acme deals was not chosen on Airtable’s page."
    use = like(ConnectionUse, connection_id=connection.id, lacks=[left_out])
    deck = Deck([connection], {}, {connection.id: use})

    shown = RENDERING.part("parts/cards.html", "card", deck.card(connection, CLOCK), page())

    assert "Needs attention" in shown
    assert left_out in shown
