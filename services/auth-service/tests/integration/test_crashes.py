"""kill -9 at every step: the connection works, or it says that it does not."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import httpx
import pytest
import pytest_asyncio
from auth_service_processes import Spawn
from auth_service_rig import Rig, Start, stored
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import NO_TLS, SandboxControl, eventually, press

SCRIPT = str(Path(__file__).with_name("crashing_service.py"))
REFRESH_STEPS = (
    "refresh: before the intent",
    "refresh: before sending",
    "refresh: before storing",
    "refresh: after storing",
)
RECONNECT_STEPS = (
    "reconnect: after the claim",
    "reconnect: after the exchange",
    "reconnect: before the commit",
    "reconnect: after the commit",
)
pytestmark = pytest.mark.timeout(300)


@pytest_asyncio.fixture
async def rig(start: Start) -> Rig:
    """A dead sender's intent is watched for a while; a short one proves the same."""
    return await start(AUTH_REFRESH_ABANDONED_SECONDS="1")


async def crash(rig: Rig, spawn: Spawn, step: str, act: Any) -> None:
    """Start a service that dies at the step, and make it reach it."""
    # A dead holder's lease is short, and its callers are there when it dies.
    patient = {"AUTH_REFRESH_LEASE_SECONDS": "1", "AUTH_REFRESH_WAIT_SECONDS": "60"}
    process = spawn(SCRIPT, CRASH_AT=step, **patient)
    await process.ready()
    with pytest.raises(httpx.TransportError):
        await act(process.url)
    assert process.wait() == -signal.SIGKILL


async def expire(database: Database, sandbox: SandboxControl, connection: dict[str, Any]) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    await database["grants"].update_one({"_id": connection["id"]}, {"$set": {"expires_at": past}})
    await sandbox.control(connection["provider"], connection["account"]["id"], "expire")


async def ask(rig: Rig, url: str, connection_id: str) -> None:
    await rig.service("sync-runner").post(
        f"{url}/internal/v1/connections/{connection_id}/access-token",
        json={"workspace_id": rig.workspace_id},
    )


async def settled(rig: Rig, connection_id: str) -> tuple[str, str | None]:
    """Wait until the token route says yes or no; return the connection's status and cause."""

    async def decided() -> bool:
        return (await rig.token(connection_id)).status_code in (200, 409)

    await eventually(decided, timeout=60)
    after = await rig.connection(connection_id)
    return after["status"], after["cause"]


@pytest.mark.parametrize(
    ("provider", "step"),
    # HubSpot does not rotate, so that only the step with most at stake tells anything more.
    [*(("airtable", step) for step in REFRESH_STEPS), ("hubspot", "refresh: before storing")],
)
async def test_p03_a_crash_in_a_refresh_never_strands_a_connection(
    rig: Rig, spawn: Spawn, sandbox: SandboxControl, database: Database, provider: str, step: str
) -> None:
    connection = await rig.connect(provider)
    await expire(database, sandbox, connection)

    await crash(rig, spawn, step, lambda url: ask(rig, url, connection["id"]))

    lost = provider == "airtable" and step == "refresh: before storing"
    expected = ("revoked", "rotation_lost") if lost else ("connected", None)
    assert await settled(rig, connection["id"]) == expected
    if not lost:
        token = (await rig.token(connection["id"])).json()["token"]
        assert await works(sandbox, provider, token)


async def works(sandbox: SandboxControl, provider: str, token: str) -> bool:
    paths = {"hubspot": "/hubspot/crm/v3/objects/contacts", "airtable": "/airtable/v0/meta/whoami"}
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, verify=NO_TLS) as client:
        return (await client.get(sandbox.url + paths[provider])).is_success


async def test_p03_a_torn_refresh_shows_without_anybody_asking(
    rig: Rig, start: Start, spawn: Spawn, sandbox: SandboxControl, database: Database
) -> None:
    connection = await rig.connect("airtable")
    await expire(database, sandbox, connection)
    step = "refresh: before storing"
    await crash(rig, spawn, step, lambda url: ask(rig, url, connection["id"]))
    old = datetime.now(UTC) - timedelta(minutes=2)
    await database["grants"].update_one({"_id": connection["id"]}, {"$set": {"intent.at": old}})

    await start(AUTH_REFRESH_ABANDONED_SECONDS="1")  # its ticker ticks at once

    async def shown() -> bool:
        return bool((await rig.connection(connection["id"]))["cause"] == "rotation_lost")

    await eventually(shown)


@pytest.mark.parametrize("step", ["verdict: before it is stored", "verdict: after it is stored"])
async def test_p03_a_crash_around_a_verdict_is_made_up_for(
    rig: Rig, spawn: Spawn, sandbox: SandboxControl, database: Database, step: str
) -> None:
    connection = await rig.connect("hubspot")
    await sandbox.control("hubspot", "7001", "uninstall")
    body = {"workspace_id": rig.workspace_id, "grant_version": connection["grant_version"]}
    path = f"/internal/v1/connections/{connection['id']}/auth-failures"
    runner = rig.service("sync-runner")

    await crash(rig, spawn, step, lambda url: runner.post(url + path, json=body))

    ruling = await rig.report(connection["id"], connection["grant_version"])
    assert ruling["verdict"] == "revoked"
    rows = await database["outbox"].find({"key": connection["id"]}).to_list(None)
    types = [dict(row["headers"])["ce_type"] for row in rows]
    assert types.count("tablesync.connection.revoked.v1") == 1


@pytest.mark.parametrize("step", RECONNECT_STEPS)
async def test_p03_a_crash_in_a_reconnect_swaps_all_or_nothing(
    rig: Rig, spawn: Spawn, sandbox: SandboxControl, database: Database, step: str
) -> None:
    connection = await rig.connect("hubspot")
    before = bson.encode(await stored(database, "grants", connection["id"]))

    async def reconnect(url: str) -> None:
        operator = await rig.operator()
        attempt = await operator.post(
            f"{url}/v1/authorizations",
            json={"provider": "hubspot", "connection_id": connection["id"]},
        )
        browser = rig.client(follow_redirects=True)
        await press(browser, attempt.json()["start_url"])

    await crash(rig, spawn, step, reconnect)

    after = await rig.connection(connection["id"])
    done = step == "reconnect: after the commit"
    assert after["status"] == "connected"
    assert after["grant_version"] == connection["grant_version"] + done
    grant = bson.encode(await stored(database, "grants", connection["id"]))
    assert (grant == before) is not done
    token = (await rig.token(connection["id"])).json()["token"]
    assert await works(sandbox, "hubspot", token)


async def test_p25_sigterm_waits_for_the_refresh(
    rig: Rig, spawn: Spawn, sandbox: SandboxControl, database: Database
) -> None:
    connection = await rig.connect("airtable")
    process = spawn()
    await process.ready()
    await expire(database, sandbox, connection)
    await sandbox.control("airtable", "-", "latency", ms=3_000)
    caller = asyncio.create_task(
        rig.service("sync-runner").post(
            f"{process.url}/internal/v1/connections/{connection['id']}/access-token",
            json={"workspace_id": rig.workspace_id},
        )
    )
    begun = {"_id": connection["id"], "intent": {"$exists": True}}
    await eventually(lambda: database["grants"].find_one(begun))
    caller.cancel()  # the caller gives up: the refresh goes on

    os.kill(process.pid, signal.SIGTERM)

    assert process.wait() == 0
    await sandbox.control("airtable", "-", "latency", ms=0)
    grant = await stored(database, "grants", connection["id"])
    assert grant["version"] == connection["grant_version"] + 1
    assert "intent" not in grant
    token = (await rig.token(connection["id"])).json()["token"]
    assert await works(sandbox, "airtable", token)


async def test_p25_neither_sigterm_nor_a_closed_browser_tears_a_code_exchange(
    rig: Rig, spawn: Spawn, sandbox: SandboxControl, database: Database
) -> None:
    process = spawn()
    await process.ready()
    rig.url = process.url
    await sandbox.answer("hubspot", user="ada@acme.test", account="7001", decision="allow")
    begun = await (await rig.operator()).post("/v1/authorizations", json={"provider": "hubspot"})
    attempt, browser = begun.json(), rig.client()
    page = (await press(browser, attempt["start_url"])).headers["location"]
    callback = (await browser.get(page)).headers["location"]
    # Two calls, which together take longer than a stop leaves to requests.
    await sandbox.control("hubspot", "-", "latency", ms=7_000)
    answer = asyncio.create_task(browser.get(callback))
    claimed = {"_id": attempt["id"], "state_digest": {"$exists": False}}
    await eventually(lambda: database["authorizations"].find_one(claimed))
    answer.cancel()

    os.kill(process.pid, signal.SIGTERM)

    assert process.wait() == 0
    await sandbox.control("hubspot", "-", "latency", ms=0)
    after = await stored(database, "authorizations", attempt["id"])
    assert after["status"] == "completed"
    grant = await stored(database, "grants", after["connection_id"])
    assert (grant["version"], grant["live"]) == (1, True)
