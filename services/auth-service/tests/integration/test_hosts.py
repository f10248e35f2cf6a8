"""A provider at which each account has its own host: it is named first, and then known."""

from typing import Any

import pytest
from auth_service_attempts import begin, leave, outcome
from auth_service_players import HOST, ShopPlayer
from auth_service_rig import Json, Rig, aged, stored
from auth_service_shop_server import ShopServer
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import press

OTHER = "globex.shops.test"
NO_HOSTS = [
    "",
    "acme",
    "shops.test",
    "acme.shops.test.evil.test",
    "evil.test/acme.shops.test",
    "evil.test#.shops.test",
    "acme.shops.test:1",
    "user@acme.shops.test",
    "acme.shops.test\n",
    "../acme.shops.test",
    "-acme.shops.test",
    "acmé.shops.test",
]


@pytest.fixture
def rig(rig_with_shops: Rig) -> Rig:
    return rig_with_shops


async def refused(rig: Rig, **body: Any) -> Json:
    """Try to begin an attempt; return what is said of the one bad field."""
    operator = await rig.operator()
    answer = await operator.post("/v1/authorizations", json=body)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    return dict(error)


async def test_what_is_asked_for_beforehand_is_told_with_the_provider(rig: Rig) -> None:
    providers = (await (await rig.operator()).get("/v1/providers")).json()["items"]

    asked_for = {each["name"]: each["asks_for"] for each in providers}

    assert [each["name"] for each in asked_for.pop("shopify")] == ["shop"]
    assert {*map(tuple, asked_for.values())} == {()}


async def test_p21_where_no_origin_is_listed_the_setting_is_named(rig: Rig) -> None:
    back = "https://dashboard.test/"

    error = await refused(rig, provider="shopify", shop=HOST, return_to=back)

    assert error["field"] == "return_to"
    assert "AUTH_RETURN_ORIGINS" in error["remedy"]


async def test_p21_a_shop_that_is_not_named_is_asked_for(rig: Rig) -> None:
    error = await refused(rig, provider="shopify")

    assert error == {
        "field": "shop",
        "message": "is missing",
        "remedy": "Name the shop's domain, such as acme.shops.test.",
    }


@pytest.mark.parametrize("shop", NO_HOSTS)
async def test_p30_what_is_no_shop_never_becomes_part_of_an_address(
    rig: Rig, database: Database, shop: str
) -> None:
    error = await refused(rig, provider="shopify", shop=shop)

    assert error["field"].endswith("shop")
    assert await database["authorizations"].find_one({"workspace_id": rig.workspace_id}) is None


@pytest.mark.parametrize("provider", ["hubspot", "airtable", "mailchimp"])
async def test_p21_who_needs_no_shop_refuses_one(rig: Rig, provider: str) -> None:
    error = await refused(rig, provider=provider, shop=HOST)

    assert (error["field"], error["remedy"]) == ("shop", "Leave it out.")
    assert "asks for none" in error["message"]


async def test_a_shop_is_known_however_its_letters_are_written(
    rig: Rig, database: Database
) -> None:
    attempt = await begin(rig, "shopify", shop=HOST.upper())

    assert (await stored(database, "authorizations", attempt["id"]))["host"] == HOST


async def test_the_page_before_leaving_names_the_shop_and_lets_the_browser_go_there_alone(
    rig: Rig, shops: ShopServer
) -> None:
    attempt = await begin(rig, "shopify", shop=HOST)

    page = await rig.client().get(attempt["start_url"])
    _, address = await leave(rig, attempt)

    assert HOST in page.text
    assert f"form-action 'self' {shops.url};" in page.headers["content-security-policy"]
    assert address.startswith(f"{shops.url}/{HOST}/authorize?")


async def test_two_shops_of_a_workspace_are_two_connections_at_their_own_hosts(
    rig: Rig, shops: ShopServer, database: Database
) -> None:
    acme, globex = ShopPlayer(shops, HOST), ShopPlayer(shops, OTHER)
    connections = [await each.connect(rig, shop=each.host) for each in (acme, globex)]
    for each in connections:
        await aged(database, each["id"])

    ours, theirs = [(await rig.token(each["id"])).json() for each in connections]

    assert (ours["endpoint"], theirs["endpoint"]) == (acme.endpoint, globex.endpoint)
    assert await acme.accepts(ours["token"])
    assert await globex.accepts(theirs["token"])
    assert not await acme.accepts(theirs["token"])
    assert (acme.site.refreshes, globex.site.refreshes) == (1, 1)


async def test_a_reconnect_may_repeat_its_shop_and_name_no_other(
    rig: Rig, shops: ShopServer
) -> None:
    connection = await ShopPlayer(shops).connect(rig)

    again = await begin(rig, "shopify", connection_id=connection["id"], shop=HOST.upper())
    error = await refused(rig, provider="shopify", connection_id=connection["id"], shop=OTHER)

    assert again["start_url"]
    assert error["message"] == f"this connection is one to {HOST}"
    assert error["remedy"] == "Leave it out."


async def test_a_mails_link_leads_to_the_connections_own_shop(rig: Rig, shops: ShopServer) -> None:
    player = ShopPlayer(shops)
    connection = await player.connect(rig)
    await player.withdraw(connection)
    await rig.report(connection["id"], 1)
    browser = rig.client(follow_redirects=True)

    page = await press(browser, await rig.link(connection["id"]))

    assert "is connected" in page.text
    assert (await rig.connection(connection["id"]))["status"] == "connected"


async def test_starting_again_goes_to_the_same_shop(rig: Rig, shops: ShopServer) -> None:
    attempt = await begin(rig, "shopify", shop=HOST)
    shops.site(HOST).denies = True
    browser, address = await leave(rig, attempt)
    denied = (await browser.get(address)).headers["location"]
    assert "Access was not allowed" in (await browser.get(denied)).text

    page = await press(browser, denied)

    assert page.status_code == 303
    location = (await press(browser, page.headers["location"])).headers["location"]
    assert location.startswith(f"{shops.url}/{HOST}/authorize?")
    assert (await outcome(rig, attempt))["continued_by"]


async def test_a_shop_whose_domain_went_to_another_is_another_account(
    rig: Rig, shops: ShopServer
) -> None:
    player = ShopPlayer(shops)
    connection = await player.connect(rig)
    player.site.account = "whoever has the domain now"

    attempt = await rig.authorize("shopify", connection["id"])

    assert attempt["finding"]["kind"] == "another_account"
    assert await rig.connection(connection["id"]) == connection
