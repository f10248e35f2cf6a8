"""A token that never ends and cannot be refreshed: it is lent, and only a probe says it is over."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from auth_service_players import ListsPlayer, ShopPlayer
from auth_service_rig import Json, Rig, aged, events_of, stored
from auth_service_shop_server import ShopServer
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.keyring import Keyring
from tablesync.contracts import ConnectionRevoked
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.mongo import Database


@pytest.fixture
def rig(rig_with_shops: Rig) -> Rig:
    return rig_with_shops


@pytest.fixture
def lists(shops: ShopServer) -> ListsPlayer:
    return ListsPlayer(shops)


async def reports(rig: Rig, connection: Json, count: int) -> set[str]:
    """Report a refused token many times at once; return the verdicts."""
    rulings = [rig.report(connection["id"], 1) for _ in range(count)]
    return {each["verdict"] for each in await asyncio.gather(*rulings)}


async def over(database: Database, connection: Json) -> None:
    """Let the token be one that ends, and has."""
    past = datetime.now(UTC) - timedelta(minutes=1)
    change = {"expires_at": past, "lifetime_seconds": 60}
    await database["grants"].update_one({"_id": connection["id"]}, {"$set": change})


async def test_it_is_stored_as_what_it_is_and_lent_for_an_hour(
    rig: Rig, lists: ListsPlayer, database: Database
) -> None:
    connection = await lists.connect(rig)

    answer = (await rig.token(connection["id"])).json()
    grant = await stored(database, "grants", connection["id"])

    assert (grant["expires_at"], grant["lifetime_seconds"]) == (None, None)
    assert not {"refresh_token", "refresh_at", "intent"} & grant.keys()
    assert answer["expires_in"] == 3_600
    assert await lists.accepts(answer["token"])


async def test_it_is_due_for_no_refresh_however_old_it_is(
    rig: Rig, lists: ListsPlayer, database: Database, service_keys: ServiceKeys
) -> None:
    connection = await lists.connect(rig)
    years_ago = datetime.now(UTC) - timedelta(days=2_000)
    await database["grants"].update_one(
        {"_id": connection["id"]}, {"$set": {"obtained_at": years_ago}}
    )

    keyring = Keyring.from_file(service_keys.encryption_keys_file)
    due = await Grants(database, keyring).claim_due(1_000)
    answer = await rig.token(connection["id"])

    assert connection["id"] not in due
    assert answer.json()["grant_version"] == 1


async def test_a_refused_token_that_works_is_not_confirmed_each_time(
    rig: Rig, lists: ListsPlayer
) -> None:
    connection = await lists.connect(rig)

    assert await reports(rig, connection, 10) == {"not_confirmed"}
    assert await reports(rig, connection, 1) == {"not_confirmed"}
    assert await rig.connection(connection["id"]) == connection
    metrics = (await rig.client().get("/metrics")).text.splitlines()
    refreshed = [each for each in metrics if each.startswith("auth_refreshes_total{")]
    assert not [each for each in refreshed if "mailchimp" in each]


async def test_p17_a_refused_token_that_is_dead_is_revoked_once(
    rig: Rig, lists: ListsPlayer, database: Database
) -> None:
    connection = await lists.connect(rig)
    await lists.withdraw(connection)

    assert await reports(rig, connection, 50) == {"revoked"}

    after = await rig.connection(connection["id"])
    assert (after["status"], after["cause"]) == ("revoked", "token_rejected")
    told = await events_of(database, ConnectionRevoked)
    assert [each["connection_id"] for each in told].count(connection["id"]) == 1


async def test_p02_while_nobody_can_be_asked_nothing_is_lost_and_the_token_is_lent(
    rig: Rig, lists: ListsPlayer
) -> None:
    connection = await lists.connect(rig)
    await lists.go_away()

    assert await reports(rig, connection, 10) == {"inconclusive"}
    assert (await rig.token(connection["id"])).status_code == 200
    assert await rig.connection(connection["id"]) == connection


async def test_one_that_ends_and_cannot_be_refreshed_has_expired_when_it_is_refused(
    rig: Rig, lists: ListsPlayer, database: Database
) -> None:
    connection = await lists.connect(rig)
    await over(database, connection)
    lists.site.expire()

    assert (await rig.token(connection["id"])).status_code == 409
    assert (await rig.connection(connection["id"]))["cause"] == "grant_expired"


async def test_p02_one_that_should_have_ended_and_is_taken_still_is_not_given_up(
    rig: Rig, lists: ListsPlayer, database: Database
) -> None:
    connection = await lists.connect(rig)
    await over(database, connection)

    answer = await rig.token(connection["id"])

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (await rig.report(connection["id"], 1))["verdict"] == "not_confirmed"
    assert (await rig.connection(connection["id"]))["status"] == "connected"


async def test_a_reconnect_to_tokens_that_end_brings_refreshes_back(
    rig: Rig, shops: ShopServer, database: Database
) -> None:
    """A shop may give tokens for ever to one app, and such as end to the next."""
    player = ShopPlayer(shops)
    player.site.lasting = True
    connection = await player.connect(rig)
    assert not (await stored(database, "grants", connection["id"])).keys() & {"refresh_token"}
    player.site.lasting = False

    await rig.authorize("shopify", connection["id"])

    grant = await stored(database, "grants", connection["id"])
    assert grant["lifetime_seconds"] == 3_600
    assert {"refresh_token", "refresh_at"} <= grant.keys()


async def test_a_refresh_token_that_is_kept_where_there_is_grace_is_not_sent_every_minute(
    rig: Rig, shops: ShopServer, database: Database, service_keys: ServiceKeys
) -> None:
    """It may be sent once more whatever became of it: nothing about it is uncertain."""
    player = ShopPlayer(shops)
    connection = await player.connect(rig)
    player.site.keeps = True
    for _ in range(2):
        await aged(database, connection["id"])
        assert (await rig.token(connection["id"])).status_code == 200

    past = datetime.now(UTC) - timedelta(minutes=2)
    left_open = {"_id": connection["id"], "intent": {"$exists": True}}
    await database["grants"].update_one(left_open, {"$set": {"intent.at": past}})
    keyring = Keyring.from_file(service_keys.encryption_keys_file)
    assert connection["id"] not in await Grants(database, keyring).claim_due(1_000)
