"""A refresh whose outcome nobody learnt stays uncertain: its loss is ours, never the customer's."""

from typing import Any

import pytest
from auth_service_rig import Json, Rig, aged, cooled
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import SandboxControl, eventually

TOKEN_PATH = "/oauth2/v1/token"
DROPPED = {"status": 0, "performed": True}
FAILED = {"status": 503, "performed": True}
THROTTLED = {"status": 429, "headers": {"Retry-After": "1"}}
OUR_CLIENT = {"status": 401, "body": {"error": "invalid_client"}}


@pytest.mark.parametrize(
    "answers",
    [(DROPPED,), (FAILED,), (FAILED, THROTTLED), (FAILED, OUR_CLIENT), (DROPPED, THROTTLED)],
    ids=["dropped", "failed", "failed-throttled", "failed-our-client", "dropped-throttled"],
)
async def test_p03_a_lost_answer_is_a_lost_rotation_whatever_follows(
    rig: Rig, sandbox: SandboxControl, database: Database, answers: tuple[Json, ...]
) -> None:
    connection = await rig.connect("airtable")
    for each in answers:
        await sandbox.control("airtable", "-", "break", path_contains=TOKEN_PATH, count=1, **each)
    await aged(database, connection["id"])

    async def decided() -> bool:
        # Within that moment Airtable would answer 409: somebody else has just refreshed.
        await sandbox.control("airtable", connection["account"]["id"], "end-races")
        await cooled(database, connection["id"])
        return (await rig.token(connection["id"])).status_code == 409

    await eventually(decided)
    assert (await rig.connection(connection["id"]))["cause"] == "rotation_lost"
    assert await performed(sandbox) == 1


async def performed(sandbox: SandboxControl) -> int:
    """Return how many refreshes Airtable has carried out."""
    counters: dict[str, Any] = await sandbox.counters()
    return int(counters["airtable"]["refreshes"])
