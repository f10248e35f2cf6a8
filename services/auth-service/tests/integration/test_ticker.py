"""The ticker meets grants that it can do nothing for: the others get what they are due."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from auth_service_rig import Rig, Start, aged, stored
from pydantic import SecretStr
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.grants.grants import ACCESS, REFRESH, Grants
from tablesync.auth_service.grants.refresh import Refreshed, Refresher
from tablesync.auth_service.grants.ticker import BATCH, UNDER_OTHER_KEYS
from tablesync.auth_service.keyring import Keyring
from tablesync.auth_service.providers.base import TokenSet
from tablesync.auth_service.settings import NAME
from tablesync.contracts import Provider
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.test_kit import SandboxControl, eventually

MANY = BATCH + 20
PAST = datetime.now(UTC) - timedelta(hours=1)
TORN: Document = {"intent": {"id": "torn", "at": PAST, "given_up": True}}
IDLE: Document = {"refresh_at": PAST}
STRANGE: Document = {"provider": "of next year"}


@pytest.fixture
def keyring(service_keys: ServiceKeys) -> Keyring:
    return Keyring.from_file(service_keys.encryption_keys_file)


@pytest.fixture
def rotated(service_keys: ServiceKeys, tmp_path: Path) -> Path:
    """Write a key file whose active key is a new one."""
    old = json.loads(service_keys.encryption_keys_file.read_text())
    keys = {**old["keys"], "next": base64.b64encode(os.urandom(32)).decode()}
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"active": "next", "keys": keys}))
    return file


@asynccontextmanager
async def many_grants(
    rig: Rig, database: Database, keyring: Keyring, provider: Provider, changes: Document
) -> AsyncIterator[Sequence[str]]:
    """Store grants like one that is real, the first by id of all, with something changed."""
    made = await Connections(database).get(rig.workspace_id, (await rig.connect(provider))["id"])
    grants = Grants(database, keyring)
    tokens = TokenSet(SecretStr("spent"), SecretStr("spent too"), expires_in=60)
    ids = [f"con_0-{made.id}-{number}" for number in range(MANY)]

    async def work(unit: UnitOfWork) -> None:
        for each in ids:
            await grants.replace(unit, made.model_copy(update={"id": each}), tokens, None)

    await UnitsOfWork(database, NAME).run(work)
    await database["grants"].update_many({"_id": {"$in": ids}}, {"$set": changes})
    yield ids
    await database["grants"].delete_many({"_id": {"$in": ids}})


async def under_new_key(database: Database, connection_id: str) -> bool:
    row = await stored(database, "grants", connection_id)
    return {row[ACCESS]["key_id"], row[REFRESH]["key_id"], row["key_id"]} == {"next"}


async def metric(rig: Rig, name: str) -> float:
    lines = (await rig.client().get("/metrics")).text.splitlines()
    return next(float(each.split()[1]) for each in lines if each.split()[0] == name)


@pytest.mark.parametrize("changes", [{"live": False}, STRANGE], ids=["ended", "unreadable"])
async def test_p19_keys_rotate_past_any_number_of_grants(
    rig: Rig,
    start: Start,
    database: Database,
    keyring: Keyring,
    rotated: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    changes: Document,
) -> None:
    # All that any service of this process counts: the gauge shows only who was the last.
    counted: list[float] = []
    monkeypatch.setattr(UNDER_OTHER_KEYS, "set", counted.append)
    async with many_grants(rig, database, keyring, Provider.HUBSPOT, changes) as many:
        healthy = await rig.connect("airtable")

        await start(AUTH_ENCRYPTION_KEYS_FILE=str(rotated))

        await eventually(lambda: under_new_key(database, healthy["id"]))
        if changes is not STRANGE:
            for each in many:
                assert await under_new_key(database, each)
        assert max(counted) >= MANY, "at the beginning"


async def test_p19_what_is_left_under_an_old_key_is_counted(
    rig: Rig,
    start: Start,
    database: Database,
    keyring: Keyring,
    rotated: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tablesync.auth_service.grants.ticker.RESEAL_SECONDS", 0.1)
    await database["grants"].delete_many({})
    async with many_grants(rig, database, keyring, Provider.HUBSPOT, STRANGE):
        await rig.connect("airtable")

        rotating = await start(AUTH_ENCRYPTION_KEYS_FILE=str(rotated))

        async def only_the_unreadable_are_left() -> bool:
            return await metric(rotating, "auth_grants_under_other_keys") == MANY

        await eventually(only_the_unreadable_are_left)


async def test_p29_grants_that_cannot_be_refreshed_keep_no_other_waiting(
    rig: Rig, start: Start, sandbox: SandboxControl, database: Database, keyring: Keyring
) -> None:
    async with many_grants(rig, database, keyring, Provider.HUBSPOT, {}) as many:
        idle = await rig.connect("airtable")
        away = {"path_contains": "/oauth/2026-09/token", "status": 503}
        await sandbox.control("hubspot", "-", "break", **away)
        before = (await sandbox.counters())["hubspot"]["requests"]
        await database["grants"].update_many({"_id": {"$in": many}}, {"$set": {**TORN, **IDLE}})
        later = {"refresh_at": PAST + timedelta(minutes=1)}
        await database["grants"].update_one({"_id": idle["id"]}, {"$set": later})

        await start()

        async def refreshed() -> bool:
            return bool((await rig.connection(idle["id"]))["grant_version"] > idle["grant_version"])

        await eventually(refreshed, timeout=60)
        assert (await sandbox.counters())["hubspot"]["requests"] <= before + MANY, "once each"
        assert await database["grants"].count_documents({"live": False, "_id": {"$in": many}}) == 0
        await sandbox.control("hubspot", "-", "unbreak")


async def test_p01_what_another_has_refreshed_since_it_was_claimed_is_not_refreshed_again(
    rig: Rig, start: Start, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes may claim a grant at the same moment, as when MongoDB comes back for both."""
    connection = await rig.connect("airtable")
    await database["grants"].update_one({"_id": connection["id"]}, {"$set": IDLE})
    claim_due, refresh = Grants.claim_due, Refresher.refresh
    claimed, moved = asyncio.Event(), asyncio.Event()
    outcomes: list[Refreshed] = []

    async def claim_and_wait(grants: Grants, limit: int) -> dict[str, int]:
        found = await claim_due(grants, limit)
        if connection["id"] in found:
            claimed.set()
            await moved.wait()
        return found

    async def noted(refresher: Refresher, connection_id: str, version: int) -> Refreshed:
        outcome = await refresh(refresher, connection_id, version)
        if connection_id == connection["id"]:
            outcomes.append(outcome)
        return outcome

    monkeypatch.setattr(Grants, "claim_due", claim_and_wait)
    monkeypatch.setattr(Refresher, "refresh", noted)
    await start()
    await eventually(claimed.is_set)
    await aged(database, connection["id"])
    assert (await rig.token(connection["id"])).status_code == 200
    moved.set()

    await eventually(lambda: len(outcomes) == 2)
    assert outcomes == [Refreshed.HERE, Refreshed.ELSEWHERE]


async def test_p29_whatever_goes_wrong_with_a_grant_stops_no_other_and_no_resealing(
    rig: Rig,
    start: Start,
    database: Database,
    rotated: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = await rig.connect("hubspot"), await rig.connect("airtable")
    for each, due in ((bad, TORN), (good, IDLE)):
        await database["grants"].update_one({"_id": each["id"]}, {"$set": due})
    refresh = Refresher.refresh

    async def fail(refresher: Refresher, connection_id: str, version: int) -> Refreshed:
        if connection_id == bad["id"]:
            raise KeyError("expires_in")
        return await refresh(refresher, connection_id, version)

    monkeypatch.setattr(Refresher, "refresh", fail)

    await start(AUTH_ENCRYPTION_KEYS_FILE=str(rotated))

    async def all_done() -> bool:
        refreshed = (await rig.connection(good["id"]))["grant_version"] > good["grant_version"]
        return refreshed and await under_new_key(database, bad["id"])

    # Another ticker of this process may have claimed it first, and cannot read its new key.
    await eventually(all_done, timeout=150)


async def test_p29_whatever_goes_wrong_with_resealing_a_grant_stops_no_other(
    rig: Rig, start: Start, database: Database, rotated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await rig.connect("hubspot"), await rig.connect("airtable")
    reseal = Grants.reseal

    async def fail(grants: Grants, connection_id: str) -> bool:
        if connection_id == bad["id"]:
            raise UnicodeDecodeError("utf-8", b"", 0, 1, "unforeseen")
        return await reseal(grants, connection_id)

    monkeypatch.setattr(Grants, "reseal", fail)

    await start(AUTH_ENCRYPTION_KEYS_FILE=str(rotated))

    await eventually(lambda: under_new_key(database, good["id"]))
    assert not await under_new_key(database, bad["id"])
