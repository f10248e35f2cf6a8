"""What every provider has to do here, whatever it is like: the real ones and those for tests alone.

HubSpot keeps refresh tokens, Airtable rotates them strictly. A shop has a host and an endpoint of
its own, signs its callbacks and rotates with grace; the lists give one token for ever.
"""

import signal
from collections.abc import Callable
from pathlib import Path

import bson
import httpx
import pytest
from auth_service_attempts import begin, leave, outcome
from auth_service_players import ListsPlayer, Player, SandboxPlayer, ShopPlayer
from auth_service_processes import Spawn
from auth_service_rig import Json, Rig, aged, cooled, stored
from auth_service_shop_server import ShopServer
from tablesync.auth_service.providers.base import Rotation
from tablesync.contracts import Provider
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import SandboxControl, eventually

SCRIPT = str(Path(__file__).with_name("crashing_service.py"))
STEPS = (
    "refresh: before the intent",
    "refresh: before sending",
    "refresh: before storing",
    "refresh: after storing",
)
Make = Callable[[SandboxControl, ShopServer], Player]
REFRESHING: dict[str, Make] = {
    "hubspot": lambda sandbox, _: SandboxPlayer(Provider.HUBSPOT, sandbox),
    "airtable": lambda sandbox, _: SandboxPlayer(Provider.AIRTABLE, sandbox),
    "shop": lambda _, shops: ShopPlayer(shops),
}
ALL: dict[str, Make] = {**REFRESHING, "lists": lambda _, shops: ListsPlayer(shops)}
every_provider = pytest.mark.parametrize("player", ALL, indirect=True)
every_refreshing_one = pytest.mark.parametrize("player", REFRESHING, indirect=True)
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def rig(rig_with_shops: Rig) -> Rig:
    return rig_with_shops


@pytest.fixture
def player(request: pytest.FixtureRequest, sandbox: SandboxControl, shops: ShopServer) -> Player:
    return ALL[request.param](sandbox, shops)


async def lent(rig: Rig, connection: Json) -> Json:
    """Ask for an access token; return the answer."""
    answer: Json = (await rig.token(connection["id"])).raise_for_status().json()
    return answer


@every_provider
async def test_a_connection_lends_a_token_that_works_and_says_where(
    rig: Rig, player: Player
) -> None:
    connection = await player.connect(rig)

    answer = await lent(rig, connection)

    assert await player.accepts(answer["token"])
    assert answer.get("endpoint") == player.endpoint
    assert 0 < answer["expires_in"] <= 3_600
    assert (connection["status"], connection["missing_scopes"]) == ("connected", [])


@every_provider
async def test_a_reconnect_needs_nothing_but_the_connection(rig: Rig, player: Player) -> None:
    connection = await player.connect(rig)
    await player.withdraw(connection)
    assert (await rig.report(connection["id"], 1))["verdict"] == "revoked"

    attempt = await rig.authorize(player.provider, connection["id"])

    assert (attempt["status"], attempt["connection_id"]) == ("completed", connection["id"])
    answer = await lent(rig, connection)
    assert (answer["grant_version"], answer.get("endpoint")) == (2, player.endpoint)
    assert await player.accepts(answer["token"])


@every_provider
async def test_p06_another_account_changes_nothing(
    rig: Rig, player: Player, database: Database
) -> None:
    connection = await player.connect(rig)
    before = bson.encode(await stored(database, "grants", connection["id"]))
    await player.signs_in(another=True)

    attempt = await rig.authorize(player.provider, connection["id"])

    assert (attempt["status"], attempt["finding"]["kind"]) == ("refused", "another_account")
    assert await rig.connection(connection["id"]) == connection
    assert bson.encode(await stored(database, "grants", connection["id"])) == before


@every_provider
async def test_p05_a_callback_that_the_provider_did_not_send_is_no_answer(
    rig: Rig, player: Player
) -> None:
    await player.signs_in()
    attempt = await begin(rig, player.provider, **player.given)
    browser, page = await leave(rig, attempt)
    callback = (await browser.get(page)).headers["location"]

    forged = [await browser.get(each) for each in player.forged(callback)]
    unknown = await browser.get(callback.replace("state=", "state=x"))
    elsewhere = await rig.client().get(callback)

    assert {each.status_code for each in (*forged, unknown, elsewhere)} == {400}
    assert (await outcome(rig, attempt))["status"] == "pending"
    assert (await browser.get(callback)).status_code == 200
    assert (await outcome(rig, attempt))["status"] == "completed"


@every_provider
async def test_p01_a_token_is_refreshed_once_where_there_is_a_refresh(
    rig: Rig, player: Player, database: Database
) -> None:
    connection = await player.connect(rig)
    old, before = await lent(rig, connection), await player.refreshes_made()
    if player.refreshes:
        await aged(database, connection["id"])

    answers = [await lent(rig, connection) for _ in range(5)]

    assert {each["grant_version"] for each in answers} == {1 + player.refreshes}
    assert {each["token"] == old["token"] for each in answers} == {not player.refreshes}
    assert {each.get("endpoint") for each in answers} == {player.endpoint}
    assert await player.accepts(answers[0]["token"])
    assert await player.refreshes_made() == before + player.refreshes


@every_provider
async def test_an_expired_token_is_recovered_where_there_is_a_refresh(
    rig: Rig, player: Player
) -> None:
    connection = await player.connect(rig)
    await player.expire(connection)

    first = await rig.report(connection["id"], 1)
    late = await rig.report(connection["id"], 1)

    verdicts = ("recovered", "stale") if player.refreshes else ("revoked", "revoked")
    assert (first["verdict"], late["verdict"]) == verdicts


@every_provider
async def test_a_forbidden_object_costs_a_probe_and_no_refresh(rig: Rig, player: Player) -> None:
    connection, before = await player.connect(rig), await player.refreshes_made()

    ruling = await rig.report(connection["id"], 1, status_code=403)

    assert ruling == {"verdict": "not_confirmed", "grant_version": 1}
    assert await player.refreshes_made() == before


@every_provider
@pytest.mark.parametrize("status_code", [401, 403])
async def test_p02_a_provider_that_is_away_loses_nothing(
    rig: Rig, player: Player, status_code: int
) -> None:
    connection = await player.connect(rig)
    await player.go_away()

    ruling = await rig.report(connection["id"], 1, status_code)

    assert ruling["verdict"] == "inconclusive"
    assert ruling["retry_after"] > 0
    assert await rig.connection(connection["id"]) == connection


@every_provider
@pytest.mark.parametrize("status_code", [401, 403])
async def test_what_was_withdrawn_is_revoked(rig: Rig, player: Player, status_code: int) -> None:
    connection = await player.connect(rig)
    await player.withdraw(connection)

    ruling = await rig.report(connection["id"], 1, status_code)

    assert ruling["verdict"] == "revoked"
    after = await rig.connection(connection["id"])
    assert (after["status"], after["cause"]) == ("revoked", player.withdrawn)
    assert (await rig.token(connection["id"])).status_code == 409


@every_provider
async def test_disconnecting_ends_at_the_provider_what_can_be_ended_alone(
    rig: Rig, player: Player, database: Database
) -> None:
    connection = await player.connect(rig)
    token, operator = (await lent(rig, connection))["token"], await rig.operator()
    await leave_it_to(database, connection)

    gone = await operator.post(f"/v1/connections/{connection['id']}/disconnect")

    assert gone.json()["badge"] == "Disconnected by you"
    assert await database["grants"].find_one({"_id": connection["id"]}) is None
    if player.ends_upstream:
        await eventually(player.was_told_of_an_end)
    else:
        assert await player.accepts(token)


async def leave_it_to(database: Database, connection: Json) -> None:
    """Let nobody else be connected to its account: other tests were."""
    others = {"account.id": connection["account"]["id"], "_id": {"$ne": connection["id"]}}
    await database["connections"].update_many(others, {"$set": {"status": "disconnected"}})


async def connected_without_an_answer(rig: Rig, player: Player, database: Database) -> Json:
    """Connect, and lose the answer to a refresh: nobody knows whether tokens were rotated."""
    connection = await player.connect(rig)
    await player.lose_an_answer()
    await aged(database, connection["id"])
    assert (await rig.token(connection["id"])).status_code == 503
    return connection


@every_refreshing_one
async def test_p03_an_answer_that_was_lost_is_fatal_where_rotation_is_strict_alone(
    rig: Rig, player: Player, database: Database
) -> None:
    connection = await connected_without_an_answer(rig, player, database)

    assert await settled(rig, database, connection) == after_unknown_outcome(player)


@every_refreshing_one
async def test_a_withdrawal_after_a_lost_answer_is_told_as_one_unless_rotation_is_strict(
    rig: Rig, player: Player, database: Database
) -> None:
    connection = await connected_without_an_answer(rig, player, database)
    await player.withdraw(connection)

    strict = player.rotation is Rotation.STRICT
    cause = "rotation_lost" if strict else player.withdrawn
    assert await settled(rig, database, connection) == ("revoked", cause)


@every_refreshing_one
@pytest.mark.parametrize("step", STEPS)
async def test_p03_a_crash_between_two_writes_of_a_refresh_never_strands_a_connection(
    rig: Rig, player: Player, spawn: Spawn, shops: ShopServer, database: Database, step: str
) -> None:
    connection = await player.connect(rig)
    await aged(database, connection["id"])
    # What other tests have left is due perhaps: the service would die of that.
    await database["grants"].delete_many({"_id": {"$ne": connection["id"]}})

    await crash(rig, spawn, shops, step, connection)

    torn = step == "refresh: before storing"
    expected = after_unknown_outcome(player) if torn else ("connected", None)
    assert await settled(rig, database, connection) == expected
    if expected == ("connected", None):
        assert await player.accepts((await lent(rig, connection))["token"])


def after_unknown_outcome(player: Player) -> tuple[str, str | None]:
    """Return what a connection comes to when a refresh has come to pass and nobody heard of it."""
    strict = player.rotation is Rotation.STRICT
    return ("revoked", "rotation_lost") if strict else ("connected", None)


async def crash(rig: Rig, spawn: Spawn, shops: ShopServer, step: str, connection: Json) -> None:
    """Ask a service for a token that dies at a step of the refresh."""
    patient = {"AUTH_REFRESH_LEASE_SECONDS": "1", "AUTH_REFRESH_WAIT_SECONDS": "60"}
    process = spawn(SCRIPT, CRASH_AT=step, SHOPS_URL=shops.url, **patient)
    await process.ready()
    with pytest.raises(httpx.TransportError):
        await rig.token(connection["id"], rig.service_at(process.url, "sync-runner"))
    assert process.wait() == -signal.SIGKILL


async def settled(rig: Rig, database: Database, connection: Json) -> tuple[str, str | None]:
    """Wait until the token route says yes or no; return the connection's status and cause."""

    async def decided() -> bool:
        await cooled(database, connection["id"])
        return (await rig.token(connection["id"])).status_code in (200, 409)

    await eventually(decided, timeout=60)
    after = await rig.connection(connection["id"])
    return after["status"], after["cause"]
