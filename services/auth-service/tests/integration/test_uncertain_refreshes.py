"""A refresh whose outcome nobody learnt stays uncertain: its loss is ours, never the customer's."""

from typing import Any

import pytest
from auth_service_rig import Json, Rig, aged, cooled, stored
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import SandboxControl, eventually

TOKEN_PATH = "/oauth2/v1/token"
DROPPED = {"status": 0, "performed": True}
FAILED = {"status": 503, "performed": True}
THROTTLED = {"status": 429, "headers": {"Retry-After": "1"}}
OUR_CLIENT = {"status": 401, "body": {"error": "invalid_client"}}
# What stands between us and Airtable may answer in its stead, after Airtable has acted.
STRANGERS: dict[str, dict[str, Any]] = {
    "timed out": {"status": 408},
    "sent elsewhere": {"status": 302, "headers": {"Location": "https://elsewhere.test/"}},
    "forbidden": {"status": 403, "body": {"error": "waf"}},
    "no such route": {"status": 404, "body": "<html>"},
    "a bad request": {"status": 400, "body": {"error": "bad_gateway_rule"}},
    "another's client": {"status": 403, "body": {"error": "invalid_client"}},
}


@pytest.mark.parametrize(
    "answers",
    [
        (DROPPED,),
        (FAILED,),
        (FAILED, THROTTLED),
        (FAILED, OUR_CLIENT),
        (DROPPED, THROTTLED),
        *(({**each, "performed": True},) for each in STRANGERS.values()),
    ],
    ids=[
        "dropped",
        "failed",
        "failed-throttled",
        "failed-our-client",
        "dropped-throttled",
        *STRANGERS,
    ],
)
async def test_p03_a_lost_answer_is_a_lost_rotation_whatever_follows(
    rig: Rig, sandbox: SandboxControl, database: Database, answers: tuple[Json, ...]
) -> None:
    connection = await rig.connect("airtable")
    for each in answers:
        await sandbox.control("airtable", "-", "break", path_contains=TOKEN_PATH, count=1, **each)
    await aged(database, connection["id"])

    assert await cause_of_loss(rig, database, connection) == "rotation_lost"
    assert await performed(sandbox) == 1


async def test_p03_an_edge_that_has_not_heard_of_the_rotation_makes_it_no_withdrawal(
    rig: Rig, sandbox: SandboxControl, database: Database
) -> None:
    connection = await rig.connect("airtable")
    await sandbox.control("airtable", "-", "break", path_contains=TOKEN_PATH, count=1, **DROPPED)
    still_known = {"status": 200, "body": {"id": connection["account"]["id"]}}
    await sandbox.control("airtable", "-", "break", path_contains="/meta/whoami", **still_known)
    await aged(database, connection["id"])

    assert await cause_of_loss(rig, database, connection) == "rotation_lost"


@pytest.mark.parametrize("rotated", [True, False], ids=["used up", "still good"])
async def test_p03_a_refresh_token_that_was_not_replaced_is_uncertain(
    rig: Rig, sandbox: SandboxControl, database: Database, rotated: bool
) -> None:
    connection = await rig.connect("airtable")
    tokens = {"access_token": "the only one", "expires_in": 3_600}
    answer = {"status": 200, "performed": rotated, "body": tokens}
    await sandbox.control("airtable", "-", "break", path_contains=TOKEN_PATH, count=1, **answer)
    await aged(database, connection["id"])

    assert (await rig.token(connection["id"])).json()["token"] == "the only one"
    await aged(database, connection["id"])

    if rotated:
        assert await cause_of_loss(rig, database, connection) == "rotation_lost"
    else:
        renewed = await rig.token(connection["id"])
        assert renewed.status_code == 200
        assert renewed.json()["token"] != "the only one"


@pytest.mark.parametrize("answer", [THROTTLED, OUR_CLIENT], ids=["throttled", "our client"])
async def test_a_withdrawal_after_a_refusal_that_did_nothing_is_told_as_one(
    rig: Rig, sandbox: SandboxControl, database: Database, answer: Json
) -> None:
    connection = await rig.connect("airtable")
    await sandbox.control("airtable", "-", "break", path_contains=TOKEN_PATH, count=1, **answer)
    await aged(database, connection["id"])
    assert (await rig.token(connection["id"])).status_code == 503
    await sandbox.control("airtable", connection["account"]["id"], "revoke")

    assert await cause_of_loss(rig, database, connection) == "grant_revoked"


async def test_a_withdrawal_after_a_refresh_that_was_never_sent_is_told_as_one(
    rig: Rig, sandbox: SandboxControl, database: Database
) -> None:
    """Its refresh token could not be decrypted: the key was away for a while."""
    connection = await rig.connect("airtable")
    await aged(database, connection["id"])
    sealed = (await stored(database, "grants", connection["id"]))["refresh_token"]
    await reseal(database, connection, {**sealed, "key_id": "away"})
    assert (await rig.token(connection["id"])).status_code == 500
    await reseal(database, connection, sealed)
    await sandbox.control("airtable", connection["account"]["id"], "revoke")

    assert await cause_of_loss(rig, database, connection) == "grant_revoked"


async def reseal(database: Database, connection: Json, refresh_token: Json) -> None:
    """Store another refresh token."""
    change = {"$set": {"refresh_token": refresh_token}}
    await database["grants"].update_one({"_id": connection["id"]}, change)


async def cause_of_loss(rig: Rig, database: Database, connection: Json) -> str:
    """Ask for a token until the connection is lost; return why it is."""

    async def lost() -> bool:
        # Within that moment Airtable would answer 409: somebody else has just refreshed.
        await rig.sandbox.control("airtable", connection["account"]["id"], "end-races")
        await cooled(database, connection["id"])
        return (await rig.token(connection["id"])).status_code == 409

    await eventually(lost)
    return str((await rig.connection(connection["id"]))["cause"])


async def performed(sandbox: SandboxControl) -> int:
    """Return how many refreshes Airtable has carried out."""
    counters: dict[str, Any] = await sandbox.counters()
    return int(counters["airtable"]["refreshes"])
