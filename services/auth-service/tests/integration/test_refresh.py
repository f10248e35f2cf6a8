"""Refreshing: once across processes, never a false disconnect, never torn."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from auth_service_processes import Spawn
from auth_service_rig import Rig, Start, aged, cooled
from tablesync.auth_service.grants.grants import Grants
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import NO_TLS, SandboxControl, eventually, free_port

PROVIDERS = ("hubspot", "airtable")
TOKEN_PATHS = {"hubspot": "/oauth/2026-09/token", "airtable": "/oauth2/v1/token"}
ROUNDS = 100  # `soak/grants` has ten thousand


async def refreshes(sandbox: SandboxControl, provider: str) -> int:
    return int((await sandbox.counters())[provider]["refreshes"])


@pytest.mark.timeout(300)
async def test_p01_many_callers_in_many_processes_refresh_once(
    start: Start, spawn: Spawn, sandbox: SandboxControl, database: Database
) -> None:
    patient = {"AUTH_REFRESH_WAIT_SECONDS": "60"}  # a busy machine takes long for so many
    rig, processes = await start(**patient), [spawn(**patient) for _ in range(3)]
    clients = [
        rig.service("sync-runner"),
        *(rig.service_at(each.url, "sync-runner") for each in processes),
    ]
    await asyncio.gather(*(each.ready() for each in processes))
    for provider in PROVIDERS:
        connection = await rig.connect(provider)
        await aged(database, connection["id"])
        before = await refreshes(sandbox, provider)

        tokens = await asyncio.gather(
            *(rig.token(connection["id"], each) for each in clients for _ in range(100))
        )

        assert {each.status_code for each in tokens} == {200}
        assert len({each.json()["token"] for each in tokens}) == 1
        version = connection["grant_version"] + 1
        assert {each.json()["grant_version"] for each in tokens} == {version}
        assert await refreshes(sandbox, provider) == before + 1


async def test_p02_a_sign_of_life_that_fails_costs_no_refresh(
    start: Start, sandbox: SandboxControl, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = await start(AUTH_REFRESH_ABANDONED_SECONDS="1")
    connection = await rig.connect("airtable")
    await aged(database, connection["id"])
    failed = asyncio.Event()

    async def fails(*_: object) -> bool:
        failed.set()
        raise ValueError("which nobody foresaw")

    monkeypatch.setattr(Grants, "renew_intent", fails)
    await sandbox.control("airtable", "-", "latency", ms=1_000)

    assert (await rig.token(connection["id"])).status_code == 200
    assert failed.is_set()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_p02_forced_races_never_disconnect(
    start: Start, sandbox: SandboxControl, database: Database, provider: str
) -> None:
    first, second = await start(), await start()
    connection = await first.connect(provider)
    runners = [(each, each.service("sync-runner")) for each in (first, second)]
    for number in range(ROUNDS):
        await aged(database, connection["id"])
        thief = asyncio.create_task(steal_leases(database))
        answers = await asyncio.gather(
            *(each.token(connection["id"], runner) for each, runner in runners)
        )
        thief.cancel()
        assert {each.status_code for each in answers} <= {200, 503}, number

    assert (await first.connection(connection["id"]))["status"] == "connected"
    assert await revocations(database, connection["id"]) == 0
    assert false_disconnects(await first.client().get("/metrics")) == 0
    token = await eventually(lambda: good_token(first, connection["id"]))
    assert await is_accepted(sandbox, provider, token)


def false_disconnects(metrics: httpx.Response) -> float:
    name = "auth_false_disconnects_total{"
    lines = [line for line in metrics.text.splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


async def revocations(database: Database, connection_id: str) -> int:
    rows = await database["outbox"].find({"key": connection_id}).to_list(None)
    types = [dict(row["headers"])["ce_type"] for row in rows]
    return types.count("tablesync.connection.revoked.v1")


async def steal_leases(database: Database) -> None:
    """Force races: let every refresh lease be free again while its holder is at work."""
    while True:
        await database["leases"].delete_many({"_id": {"$regex": "^refresh/"}})
        await asyncio.sleep(0)


async def good_token(driver: Any, connection_id: str) -> str | None:
    answer = await driver.token(connection_id)
    return answer.json()["token"] if answer.is_success else None


async def is_accepted(sandbox: SandboxControl, provider: str, token: str) -> bool:
    paths = {"hubspot": "/hubspot/crm/v3/objects/contacts", "airtable": "/airtable/v0/meta/whoami"}
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, verify=NO_TLS) as client:
        return (await client.get(sandbox.url + paths[provider])).is_success


INVALID_CLIENT = {"error": "invalid_client", "status": "BAD_CLIENT_ID"}
FAULTS: dict[str, dict[str, Any]] = {
    "conflict": {"status": 409, "body": {"error": "conflict"}},
    "throttled": {"status": 429, "headers": {"Retry-After": "1"}},
    "server error": {"status": 500, "headers": {"Retry-After": "1"}},
    "unavailable": {"status": 503, "headers": {"Retry-After": "1"}},
    "no answer": {"status": 0},
    "not JSON": {"status": 200, "body": "<html>"},
    "our client id": {"status": 401, "body": INVALID_CLIENT},
}


@pytest.mark.parametrize(("provider", "fault"), list(itertools.product(PROVIDERS, FAULTS)))
async def test_p02_trouble_at_the_token_endpoint_revokes_nothing(
    rig: Rig, sandbox: SandboxControl, database: Database, provider: str, fault: str
) -> None:
    connection = await rig.connect(provider)
    old = (await rig.token(connection["id"])).json()["token"]
    await sandbox.control(
        provider, "-", "break", path_contains=TOKEN_PATHS[provider], **FAULTS[fault]
    )

    await aged(database, connection["id"], seconds_left=30)
    alive = await rig.token(connection["id"])
    await cooled(database, connection["id"])
    await aged(database, connection["id"])
    dead = await rig.token(connection["id"])
    ruling = await rig.report(connection["id"], connection["grant_version"])

    assert alive.json()["token"] == old
    assert dead.status_code == 503
    assert int(dead.headers["retry-after"]) >= 1
    assert ruling["verdict"] in {"inconclusive", "not_confirmed"}
    assert (await rig.connection(connection["id"]))["status"] == "connected"

    await sandbox.control(provider, "-", "unbreak")
    await cooled(database, connection["id"])
    token = await eventually(lambda: good_token(rig, connection["id"]))
    assert await is_accepted(sandbox, provider, token)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_p02_a_time_out_revokes_nothing(
    start: Start, sandbox: SandboxControl, database: Database, provider: str
) -> None:
    impatient = await start(AUTH_REFRESH_ANSWER_SECONDS="0.3")
    connection = await impatient.connect(provider)
    await aged(database, connection["id"])
    await sandbox.control(provider, "-", "latency", ms=2_000)

    late = await impatient.token(connection["id"])

    assert late.status_code == 503
    await sandbox.control(provider, "-", "latency", ms=0)
    assert (await impatient.connection(connection["id"]))["status"] == "connected"


async def test_p02_a_host_that_cannot_be_reached_revokes_nothing(
    start: Start, sandbox: SandboxControl, database: Database
) -> None:
    near = await start()
    connection = await near.connect("hubspot")
    for host in (f"http://127.0.0.1:{free_port()}", "http://nowhere.invalid"):
        away = await start(HUBSPOT_API_URL=host)
        await cooled(database, connection["id"])
        await aged(database, connection["id"])

        assert (await away.token(connection["id"])).status_code == 503
        ruling = await away.report(connection["id"], connection["grant_version"])
        assert ruling["verdict"] == "inconclusive"

    assert (await near.connection(connection["id"]))["status"] == "connected"


async def test_p04_a_token_is_refreshed_before_it_expires(
    rig: Rig, sandbox: SandboxControl, database: Database
) -> None:
    connection = await rig.connect("hubspot")
    before = await refreshes(sandbox, "hubspot")

    await aged(database, connection["id"], seconds_left=310)
    fresh = await rig.token(connection["id"])
    await aged(database, connection["id"], seconds_left=290)
    renewed = await rig.token(connection["id"])

    assert fresh.json()["grant_version"] == connection["grant_version"]
    assert renewed.json()["grant_version"] == connection["grant_version"] + 1
    assert fresh.json()["expires_in"] <= 310 < renewed.json()["expires_in"]
    assert await refreshes(sandbox, "hubspot") == before + 1


async def test_p04_an_idle_grant_is_refreshed_at_half_its_idle_life(
    start: Start, sandbox: SandboxControl, database: Database
) -> None:
    connection = await (await start()).connect("airtable")
    before = await refreshes(sandbox, "airtable")
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["grants"].update_one({"_id": connection["id"]}, {"$set": {"refresh_at": past}})

    await start()  # its ticker ticks at once

    async def refreshed() -> bool:
        return await refreshes(sandbox, "airtable") == before + 1

    await eventually(refreshed)
