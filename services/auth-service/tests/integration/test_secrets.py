"""Secrets: in no log, event or dump, and useless in another row."""

import base64
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from auth_service_processes import Spawn
from auth_service_rig import Rig, Start, aged, stored
from pydantic import SecretStr
from tablesync.auth_service.errors import UnreadableGrantError
from tablesync.auth_service.grants.grants import ACCESS, REFRESH, Grants
from tablesync.auth_service.keyring import Keyring
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import SandboxControl, eventually, press


@pytest.fixture
def keyring(service_keys: ServiceKeys) -> Keyring:
    return Keyring.from_file(service_keys.encryption_keys_file)


@pytest_asyncio.fixture
async def events(kafka_bootstrap: str, isolation: tuple[str, str]) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        f"{isolation[0]}connection-events",
        bootstrap_servers=kafka_bootstrap,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    yield consumer
    await consumer.stop()


async def read_until_revoked(consumer: Any, *connections: Any) -> list[Any]:
    """Read what is in the topic, until these connections' revocations have come."""
    seen: list[Any] = []

    async def come() -> bool:
        for records in (await consumer.getmany(timeout_ms=500)).values():
            seen.extend(records)
        revoked = {
            each.key.decode() for each in seen if b"revoked" in dict(each.headers)["ce_type"]
        }
        return revoked >= {each["id"] for each in connections}

    await eventually(come, timeout=60)
    return seen


@pytest.mark.timeout(300)
async def test_p18_no_secret_is_in_a_log_an_event_or_a_dump(
    rig: Rig,
    spawn: Spawn,
    sandbox: SandboxControl,
    database: Database,
    keyring: Keyring,
    events: Any,
) -> None:
    process = spawn(LOG_LEVEL="DEBUG")
    await process.ready()
    rig.url = process.url
    canaries = {"a client secret": "sandbox-hubspot-secret"}
    canaries |= {"an API token": rig.api_token(), "a user token": await rig.user_token()}
    connections = []
    for provider in ("hubspot", "airtable"):
        connection = await connect_and_watch(rig, provider, canaries)
        connections.append(connection)
        await canaries_of_grant(database, keyring, connection, canaries, f"{provider} first")
        await sandbox.control(provider, connection["account"]["id"], "expire")
        await rig.report(connection["id"], connection["grant_version"])
        await canaries_of_grant(database, keyring, connection, canaries, f"{provider} second")
        link = await rig.link(connection["id"])
        await rig.client().get(link)
        canaries[f"{provider} link"] = link.rpartition("/")[2]
    hubspot, airtable = connections
    await sandbox.control("hubspot", "7001", "uninstall")
    await rig.report(hubspot["id"], hubspot["grant_version"] + 1)
    await rig.client().post("/v1/tokens", json={"api_token": f"{canaries['an API token']}x"})
    no_text = json.dumps({"api_token": f"{canaries['an API token']}\ud800"})
    await rig.client().post(
        "/v1/tokens", content=no_text, headers={"Content-Type": "application/json"}
    )
    operator = await rig.operator()
    await operator.post(f"/v1/connections/{airtable['id']}/disconnect")
    seen = await read_until_revoked(events, hubspot, airtable)

    texts = {
        "log": process.log.read_text(),
        "topic": " ".join(f"{each.headers} {each.value}" for each in seen),
        "database": await dump(database),
    }
    found = {
        (kind, place)
        for kind, secret in canaries.items()
        for place, text in texts.items()
        if secret in text or base64.b64encode(secret.encode()).decode() in text
    }
    assert len(canaries) == 18
    assert min(len(each) for each in canaries.values()) > 15
    assert found == set()


SAID = (
    "Bearer CANARYshort is bad, access_token=CANARYagain; no patCANARY0123456.0123456789abcdef, "
    "no CANARY7fK2mQ9xLw4Zt8Rb1Vy6Nc3Hd5Js0PgAe"
)


@pytest.mark.parametrize("provider", ["hubspot", "airtable"])
@pytest.mark.parametrize("status", [400, 401, 403, 409, 500])
async def test_p18_what_a_token_endpoint_says_is_told_nowhere(
    rig: Rig,
    database: Database,
    capsys: pytest.CaptureFixture[str],
    provider: str,
    status: int,
) -> None:
    connection = await rig.connect(provider)
    refusal = {"error": SAID, "error_description": SAID, "message": SAID, "status": SAID}
    await rig.sandbox.control(
        provider, "-", "break", status=status, body=refusal, path_contains="/token"
    )
    outcome = await rig.authorize(provider, connection["id"])
    await aged(database, connection["id"])
    refused = await rig.token(connection["id"])
    ruling = await rig.reported(connection["id"], connection["grant_version"])
    await rig.sandbox.control(provider, "-", "unbreak")

    assert outcome["status"] == "refused"
    texts = [outcome["page"].text, str(outcome), refused.text, ruling.text]
    shown = str(await rig.connection(connection["id"]))
    everywhere = "".join([*texts, shown, await dump(database), capsys.readouterr().out])
    assert "CANARY" not in everywhere


async def test_p18_what_a_callback_says_of_an_error_is_told_nowhere(
    rig: Rig, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = await rig.operator()
    answer = await operator.post("/v1/authorizations", json={"provider": "airtable"})
    browser, attempt = rig.client(), answer.json()
    page = (await press(browser, attempt["start_url"])).headers["location"]
    state = parse_qs(urlsplit(page).query)["state"][0]
    query = {"state": state, "error": SAID, "error_description": SAID}
    shown = await browser.get(f"{rig.url}/oauth/airtable/callback", params=query)
    outcome = await operator.get(f"/v1/authorizations/{attempt['id']}")
    assert outcome.json()["status"] == "denied"
    everywhere = shown.text + outcome.text + await dump(database) + capsys.readouterr().out
    assert "CANARY" not in everywhere


async def connect_and_watch(rig: Rig, provider: str, canaries: dict[str, str]) -> Any:
    """Connect step by step, to see what passes through the browser."""
    user = {"user": "ada@acme.test", "decision": "allow"}
    await rig.sandbox.answer(provider, **user)
    operator = await rig.operator()
    answer = await operator.post("/v1/authorizations", json={"provider": provider})
    attempt = answer.raise_for_status().json()
    browser = rig.client()
    page = (await press(browser, attempt["start_url"])).headers["location"]
    callback = (await browser.get(page)).headers["location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}
    canaries[f"{provider} state"] = query["state"]
    canaries[f"{provider} code"] = query["code"]
    canaries[f"{provider} cookie"] = browser.cookies[f"tablesync_{attempt['id']}"]
    assert (await browser.get(callback)).status_code == 200
    outcome = (await operator.get(f"/v1/authorizations/{attempt['id']}")).json()
    return await rig.connection(outcome["connection_id"])


async def canaries_of_grant(
    database: Database, keyring: Keyring, connection: Any, canaries: dict[str, str], name: str
) -> None:
    grants = Grants(database, keyring)
    grant = await grants.get(connection["id"])
    assert grant is not None
    canaries[f"{name} access token"] = grants.access_token(grant).get_secret_value()
    if "hubspot second" not in name:  # HubSpot repeats its refresh token
        canaries[f"{name} refresh token"] = grants.refresh_token(grant).get_secret_value()


async def dump(database: Database) -> str:
    """Return every document of every collection, binary values as they are and as base64."""
    parts = []
    for name in await database.list_collection_names():
        async for document in database[name].find():
            parts.append(repr(document))
            parts.extend(base64.b64encode(raw).decode() for raw in binaries(document))
    return "\n".join(parts)


def binaries(value: Any) -> list[bytes]:
    if isinstance(value, bytes):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [raw for each in inner for raw in binaries(each)]


async def test_p19_a_grant_in_another_row_cannot_be_used(
    rig: Rig, database: Database, keyring: Keyring
) -> None:
    mine = await rig.connect("hubspot", "7001")
    other = await rig.connect("hubspot", "7002")
    stolen = await stored(database, "grants", other["id"])
    grants = Grants(database, keyring)

    await database["grants"].replace_one({"_id": mine["id"]}, {**stolen, "_id": mine["id"]})
    answer = await rig.token(mine["id"])

    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:tablesync:problem:grant-unreadable"
    grant = await grants.get(mine["id"])
    assert grant is not None
    with pytest.raises(UnreadableGrantError):
        grants.refresh_token(grant)
    assert (await rig.token(other["id"])).status_code == 200


async def test_p19_fields_cannot_be_swapped_either(
    rig: Rig, database: Database, keyring: Keyring
) -> None:
    connection = await rig.connect("airtable")
    row = await stored(database, "grants", connection["id"])

    await database["grants"].update_one(
        {"_id": connection["id"]}, {"$set": {ACCESS: row[REFRESH], REFRESH: row[ACCESS]}}
    )

    assert (await rig.token(connection["id"])).status_code == 500


async def test_p19_keys_rotate_online(
    rig: Rig, start: Start, database: Database, service_keys: ServiceKeys, tmp_path: Path
) -> None:
    connection = await rig.connect("airtable")
    token = (await rig.token(connection["id"])).json()["token"]
    old = json.loads(service_keys.encryption_keys_file.read_text())
    fresh = base64.b64encode(os.urandom(32)).decode()
    both, new = tmp_path / "both.json", tmp_path / "new.json"
    both.write_text(json.dumps({"active": "next", "keys": {**old["keys"], "next": fresh}}))
    new.write_text(json.dumps({"active": "next", "keys": {"next": fresh}}))

    await start(AUTH_ENCRYPTION_KEYS_FILE=str(both))  # its ticker ticks at once

    async def moved() -> bool:
        row = await stored(database, "grants", connection["id"])
        return {row[field]["key_id"] for field in (ACCESS, REFRESH)} == {"next"}

    await eventually(moved)
    grants = Grants(database, Keyring.from_file(new))
    grant = await grants.get(connection["id"])
    assert grant is not None
    assert grants.access_token(grant) == SecretStr(token)


async def test_p19_an_attempt_whose_key_was_taken_away_is_begun_anew(
    rig: Rig, sandbox: SandboxControl, database: Database
) -> None:
    await sandbox.answer("hubspot", user="ada@acme.test", decision="allow")
    operator = await rig.operator()
    attempt = (await operator.post("/v1/authorizations", json={"provider": "hubspot"})).json()
    browser = rig.client()
    page = (await press(browser, attempt["start_url"])).headers["location"]
    callback = (await browser.get(page)).headers["location"]
    await database["authorizations"].update_one(
        {"_id": attempt["id"]}, {"$set": {"verifier.key_id": "of last year"}}
    )

    answer = await browser.get(callback)

    assert answer.status_code == 400
    assert "cannot be continued" in answer.text
    shown = await operator.get(f"/v1/authorizations/{attempt['id']}")
    assert shown.json()["status"] == "expired"


async def test_the_ticker_passes_over_a_grant_of_a_newer_version(
    rig: Rig, start: Start, database: Database, service_keys: ServiceKeys, tmp_path: Path
) -> None:
    strange = await rig.connect("hubspot")
    readable = await rig.connect("airtable")
    await make_strange(database, strange["id"])
    await database["grants"].update_one(
        {"_id": strange["id"]}, {"$set": {"refresh_at": datetime(2020, 1, 1, tzinfo=UTC)}}
    )
    old = json.loads(service_keys.encryption_keys_file.read_text())
    fresh, file = base64.b64encode(os.urandom(32)).decode(), tmp_path / "keys.json"
    file.write_text(json.dumps({"active": "next", "keys": {**old["keys"], "next": fresh}}))

    await start(AUTH_ENCRYPTION_KEYS_FILE=str(file))

    async def moved() -> bool:
        return bool((await stored(database, "grants", readable["id"]))["key_id"] == "next")

    await eventually(moved)


async def test_an_operator_can_disconnect_what_has_a_grant_of_a_newer_version(
    rig: Rig, database: Database
) -> None:
    connection = await rig.connect("hubspot")
    await make_strange(database, connection["id"])
    assert (await rig.token(connection["id"])).json()["type"].endswith(":grant-unreadable")

    operator = await rig.operator()
    answer = await operator.post(f"/v1/connections/{connection['id']}/disconnect")

    assert answer.is_success
    assert (await rig.connection(connection["id"]))["status"] == "disconnected"
    assert await database["grants"].find_one({"_id": connection["id"]}) is None


async def make_strange(database: Database, connection_id: str) -> None:
    """Store of a grant what only a newer version knows."""
    await database["grants"].update_one(
        {"_id": connection_id}, {"$set": {"provider": "of next year"}}
    )
