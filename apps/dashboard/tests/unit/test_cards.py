"""What cards say of the syncs that use a connection, and what stands above all cards."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
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
from tablesync.dashboard.pages.integrations import banners_version
from tablesync.dashboard.shown.cards import Card, Deck
from tablesync.dashboard.shown.connections.lost import Lost
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.desk import Asked, PageContext
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.visitors import Visitor

pytestmark = pytest.mark.unit

CLOCK = Clock(datetime(2026, 11, 27, 12, tzinfo=UTC), ZoneInfo("UTC"))
RENDERING = Rendering("test")
LOST: Any = {"status": "lost", "badge": "Disconnected", "cause": "app_uninstalled"}


def page() -> PageContext:
    session = SecretStr("session")
    visitor = Visitor(TableSync({}, SessionToken(session)), like(UserToken), session)
    asked = Asked(Request({"type": "http"}), visitor, "ws_1", CLOCK)
    return PageContext(asked, may_operate=True, may_administer=False, csrf="", once="")


def card(states: Mapping[str, int], under_way: bool = False, **changes: Any) -> Card:
    """Return the card of a connection whose syncs are so."""
    connected: Any = {"status": "connected", "badge": "Connected", "cause": None, "findings": []}
    connection = like(ConnectionView, **{**connected, **changes})
    use = like(
        ConnectionUse,
        connection_id=connection.id,
        syncs=sum(states.values()),
        states=states,
        catch_up=None,
        lacks=[],
    )
    begun = {"status": "pending", "connection_id": connection.id, "finding": None}
    pending = [like(AuthorizationView, **begun)] if under_way else []
    name = connection.provider
    providers = {name: like(ProviderView, name=name, is_source=name != "airtable")}
    return Deck([connection], providers, {connection.id: use}, pending).card(connection, CLOCK)


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({"fine": 3, "running": 1}, "All syncs that use it are fine."),
        ({"paused": 3}, "All syncs that use it are paused."),
        ({"paused": 1}, "The sync that uses it is paused."),
        ({"new": 2}, "No sync that uses it has run yet."),
        ({"waiting": 2}, "2 syncs that use it wait; see why there."),
        (
            {"paused": 2, "fine": 4, "new": 1, "waiting": 3, "failing": 1},
            "1 sync that uses it fails, 3 wait, 4 are fine, 1 has not run yet and 2 are paused; "
            "see why there.",
        ),
        ({"fine": 1, "paused": 1}, "1 sync that uses it is fine and 1 is paused."),
    ],
)
def test_a_card_says_each_state_that_there_is_worst_first(
    states: Mapping[str, int], told: str
) -> None:
    assert card(states).face.sentence == told


def test_the_number_of_syncs_says_how_many_wait_or_are_paused() -> None:
    def told(**states: int) -> str:
        return card(states).subject.syncs.told

    assert told(fine=2, waiting=1, paused=3) == "6, 1 waits, 3 are paused"
    assert told(paused=3) == "3, all are paused"
    assert told(waiting=3) == "3, all wait"
    assert told(waiting=1) == "1, it waits"
    assert told(fine=3) == "3"


def test_a_sign_in_that_a_later_one_has_overtaken_is_offered_no_more() -> None:
    """Begun in one browser, reconnected in another: nothing is under way for this connection."""
    began = like(AuthorizationView).asked_at
    assert card({}, under_way=True, changed_at=began + timedelta(minutes=1)).under_way is None
    assert card({}, under_way=True, changed_at=began - timedelta(days=1)).under_way
    lost = {**LOST, "changed_at": began + timedelta(minutes=1)}
    assert card({"waiting": 2}, under_way=True, **lost).under_way


def test_a_sign_in_under_way_does_not_hide_why_the_connection_was_lost() -> None:
    shown = card({"waiting": 2}, under_way=True, **LOST)
    told = RENDERING.part("parts/cards.html", "card", shown, page())
    assert "Sign-in under way" in told
    assert "The TableSync app was uninstalled at HubSpot. 2 syncs wait;" in told


def banner(*shown: Card) -> str:
    told = RENDERING.part("parts/cards.html", "banners", Lost.among(shown), (), "1", page())
    return " ".join(re.sub(r"<[^>]+>|[\u2068\u2069]", " ", told).split())


def lost(id_: str, waiting: int, provider: str = "hubspot") -> Card:
    return card({"waiting": waiting}, id=id_, name=f"Shop {id_}", provider=provider, **LOST)


def test_one_lost_connection_is_told_with_the_syncs_that_wait_for_it() -> None:
    assert banner(lost("1", 1)).startswith("HubSpot is disconnected: 1 sync is waiting Nothing")
    assert banner(lost("1", 0)).startswith("HubSpot is disconnected Nothing is lost.")
    assert not banner(card({"fine": 1}))


def test_one_of_several_of_its_provider_is_told_by_its_account() -> None:
    other = card({"fine": 1}, id="2", name="Shop 2")
    assert banner(lost("1", 0), other).startswith("HubSpot, Shop 1 is disconnected Nothing")
    elsewhere = card({"fine": 1}, id="2", provider="airtable")
    assert banner(lost("1", 0), elsewhere).startswith("HubSpot is disconnected Nothing")


def test_what_an_account_is_called_is_said_once() -> None:
    account = {"id": "usr1", "name": "ada@acme.test", "email": "ada@acme.test"}
    assert card({}, name=None, account=account).where == ""
    assert card({}, name="Ours", account=account).where == "ada@acme.test"


def test_several_lost_connections_are_counted_and_a_few_are_named_and_linked() -> None:
    shown = [lost(str(each), 4) for each in range(5)]
    told = banner(*shown)
    assert told.startswith("5 connections are disconnected: 20 syncs are waiting")
    assert told.endswith("HubSpot, Shop 0 · HubSpot, Shop 1 · HubSpot, Shop 2 · and 2 more")
    markup = RENDERING.part("parts/cards.html", "banners", Lost.among(shown), (), "1", page())
    assert 'href="#card-2"' in markup


def test_a_sync_whose_both_ends_are_lost_is_not_counted_twice() -> None:
    told = banner(lost("1", 3), lost("2", 4, "airtable"))
    assert told.startswith("2 connections are disconnected: at least 4 syncs are waiting")


def test_the_banner_is_another_one_once_another_connection_is_lost() -> None:
    one, both = [lost("1", 3)], [lost("1", 3), lost("2", 3)]
    assert banners_version(Lost.among(one), ()) != banners_version(Lost.among(both), ())
