"""Webhooks: verified by their provider, answered at once, and hints that only a look confirms."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from auth_service_players import HOST, ShopPlayer
from auth_service_rig import Json, Rig, events_of, stored
from auth_service_shop_server import ShopServer
from auth_service_shops import body_signature
from tablesync.contracts import ConnectionRevoked
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import eventually
from tablesync.test_kit.services import problem_of

BODY = b'{"id": 1, "domain": null}'
STORED = ("connections", "grants")
Head = dict[str, str]


@pytest.fixture
def rig(rig_with_shops: Rig) -> Rig:
    return rig_with_shops


@pytest.fixture
def shop(shops: ShopServer) -> ShopPlayer:
    """A shop that no other test has connected: a hint is for all connections to its host."""
    return ShopPlayer(shops, f"{secrets.token_hex(4)}.shops.test")


def head(host: str, **changes: str) -> Head:
    """Return what a shop sends above BODY when the app is removed just now."""
    return {
        "X-Shop-Hmac": body_signature(BODY),
        "X-Shop-Topic": "app/uninstalled",
        "X-Shop-Domain": host,
        "X-Shop-Time": datetime.now(UTC).isoformat(),
        **{f"X-Shop-{name.title()}": each for name, each in changes.items()},
    }


async def send(rig: Rig, headers: Head, body: bytes = BODY) -> int:
    """Send a webhook as a shop does; return the status of the answer."""
    answer = await rig.client().post("/webhooks/shopify", content=body, headers=headers)
    return answer.status_code


async def is_revoked(rig: Rig, connection: Json) -> bool:
    return bool((await rig.connection(connection["id"]))["status"] == "revoked")


async def looks(shop: ShopPlayer, count: int) -> bool:
    """Whether a shop was asked so often who it is."""
    return shop.site.asked >= count


async def test_p23_an_uninstall_is_confirmed_and_told_once_however_often_it_is_sent(
    rig: Rig, shop: ShopPlayer, database: Database
) -> None:
    connection = await shop.connect(rig, shop=shop.host)
    shop.site.withdraw()
    headers = head(shop.host)

    answers = [await send(rig, headers) for _ in range(5)]

    assert answers == [204] * 5
    await eventually(lambda: is_revoked(rig, connection))
    assert await send(rig, headers) == 204
    told = await events_of(database, ConnectionRevoked)
    assert [each["connection_id"] for each in told].count(connection["id"]) == 1


async def test_p23_a_hint_that_the_provider_does_not_confirm_changes_nothing(
    rig: Rig, shop: ShopPlayer
) -> None:
    connection = await shop.connect(rig, shop=shop.host)
    asked = shop.site.asked

    assert await send(rig, head(shop.host)) == 204

    await eventually(lambda: looks(shop, asked + 1))
    assert (await rig.report(connection["id"], 1, 403))["verdict"] == "not_confirmed"
    assert await rig.connection(connection["id"]) == connection
    assert shop.site.refreshes == 0


async def test_p23_a_hint_from_before_the_tokens_is_not_even_looked_into(
    rig: Rig, shop: ShopPlayer
) -> None:
    """A delivery may be hours late: the app was removed, and connected anew since."""
    connection = await shop.connect(rig, shop=shop.host)
    asked = shop.site.asked
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    assert await send(rig, head(shop.host, time=before)) == 204
    assert await send(rig, head("nobody.shops.test")) == 204
    assert await send(rig, head(shop.host, topic="orders/create")) == 204

    assert await send(rig, head(shop.host)) == 204  # which is looked into, and comes after those
    await eventually(lambda: looks(shop, asked + 1))
    assert (await rig.report(connection["id"], 1, 403))["verdict"] == "not_confirmed"
    assert shop.site.asked <= asked + 2


async def test_p29_a_grant_that_cannot_be_read_hides_no_other_of_its_shop(
    rig: Rig, shop: ShopPlayer, database: Database
) -> None:
    """Another workspace has connected the same shop before."""
    connection = await shop.connect(rig, shop=shop.host)
    rows = {name: await stored(database, name, connection["id"]) for name in STORED}
    odd = {"_id": f"{connection['id']}-odd", "workspace_id": "ws_other"}
    for name, row in rows.items():
        await database[name].delete_one({"_id": row["_id"]})
        await database[name].insert_many([{**row, **odd}, row])
    await database["grants"].update_one({"_id": odd["_id"]}, {"$set": {"version": "odd"}})
    shop.site.withdraw()

    assert await send(rig, head(shop.host)) == 204

    await eventually(lambda: is_revoked(rig, connection))


@pytest.mark.parametrize(
    ("signed", "body"),
    [
        ({"X-Shop-Hmac": "0" * 64}, BODY),
        ({"X-Shop-Hmac": ""}, BODY),
        ({"X-Shop-Hmac": body_signature(BODY)}, BODY + b" "),
        ({}, BODY),
    ],
    ids=["wrong", "empty", "of another body", "missing"],
)
async def test_p23_what_is_not_signed_is_refused(
    rig: Rig, shop: ShopPlayer, signed: Head, body: bytes
) -> None:
    connection = await shop.connect(rig, shop=shop.host)
    shop.site.withdraw()
    asked = shop.site.asked
    said = {name: each for name, each in head(shop.host).items() if name != "X-Shop-Hmac"}

    answer = await rig.client().post("/webhooks/shopify", content=body, headers=said | signed)

    problem_of(answer, 401, "webhook-refused")
    assert shop.site.asked == asked
    assert (await rig.connection(connection["id"]))["status"] == "connected"


@pytest.mark.parametrize("provider", ["hubspot", "airtable", "mailchimp", "fax"])
async def test_who_sends_no_webhooks_has_no_place_for_them(rig: Rig, provider: str) -> None:
    answer = await rig.client().post(f"/webhooks/{provider}", content=BODY, headers=head(HOST))

    problem_of(answer, 404, "not-found")


async def test_p30_a_large_webhook_is_not_read(rig: Rig) -> None:
    body = b"x" * 1_000_000

    answer = await rig.client().post("/webhooks/shopify", content=body, headers=head(HOST))

    problem_of(answer, 413, "body-too-large")
