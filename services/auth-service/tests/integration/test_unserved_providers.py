"""A connection to a provider that this service has no class for: left alone, never lost."""

from datetime import UTC, datetime, timedelta

import pytest
from auth_service_rig import Json, Rig, Start, stored
from tablesync.auth_service.providers import PROVIDERS
from tablesync.contracts import Provider, new_id
from tablesync.contracts.wording import PROVIDER_LABELS
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import eventually

UNSERVED = [each for each in Provider if each not in PROVIDERS]


async def made_by_another_version(rig: Rig, database: Database, provider: Provider) -> Json:
    """Turn a connection into one to a provider that is not served."""
    connection = await rig.connect("hubspot")
    account = {"id": new_id("ws"), "name": "Acme", "email": None}
    change = {"$set": {"provider": provider.value, "account": account}}
    for name in ("connections", "grants"):
        await database[name].update_one({"_id": connection["id"]}, change)
    return await rig.connection(connection["id"])


async def age(database: Database, connection_id: str, **fields: datetime) -> None:
    await database["grants"].update_one({"_id": connection_id}, {"$set": fields})


@pytest.mark.parametrize("provider", UNSERVED)
async def test_its_token_is_handed_out_while_it_lives(
    rig: Rig, database: Database, provider: Provider
) -> None:
    connection = await made_by_another_version(rig, database, provider)
    past = datetime.now(UTC) - timedelta(minutes=1)

    alive = await rig.token(connection["id"])
    await age(database, connection["id"], expires_at=past)
    dead = await rig.token(connection["id"])
    ruling = await rig.report(connection["id"], connection["grant_version"])

    assert alive.status_code == 200
    assert dead.status_code == 503
    assert dead.json()["type"] == "urn:tablesync:problem:provider-unavailable"
    assert int(dead.headers["retry-after"]) >= 1
    assert ruling["verdict"] == "inconclusive"
    assert (await rig.connection(connection["id"]))["status"] == "connected"
    assert "intent" not in await stored(database, "grants", connection["id"])


@pytest.mark.parametrize("provider", UNSERVED)
async def test_it_holds_up_no_other_grant(
    rig: Rig, start: Start, database: Database, provider: Provider
) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    unserved = await made_by_another_version(rig, database, provider)
    other = await rig.connect("airtable")
    for each in (unserved, other):
        await age(database, each["id"], refresh_at=past)

    await start()  # its ticker ticks at once

    async def refreshed() -> bool:
        grant = await stored(database, "grants", other["id"])
        return bool(grant["version"] == other["grant_version"] + 1)

    await eventually(refreshed)
    await age(database, unserved["id"], refresh_at=datetime.now(UTC) + timedelta(days=1))


@pytest.mark.parametrize("provider", UNSERVED)
async def test_it_is_shown_and_disconnected_as_any_other(
    rig: Rig, database: Database, provider: Provider
) -> None:
    connection = await made_by_another_version(rig, database, provider)
    operator = await rig.operator()

    gone = await operator.post(f"/v1/connections/{connection['id']}/disconnect")
    listed = (await operator.get("/v1/connections")).json()["items"]

    assert (gone.status_code, gone.json()["badge"]) == (200, "Disconnected by you")
    assert PROVIDER_LABELS[provider] in gone.json()["findings"][0]["message"]
    assert listed == [gone.json()]
    assert await database["grants"].find_one({"_id": connection["id"]}) is None


@pytest.mark.parametrize("provider", UNSERVED)
async def test_whoever_wants_to_connect_it_is_told_why_not(
    rig: Rig, database: Database, provider: Provider
) -> None:
    connection = await made_by_another_version(rig, database, provider)
    link, browser = await rig.link(connection["id"]), rig.client()

    wanted = await (await rig.operator()).post("/v1/authorizations", json={"provider": provider})
    pages = [await browser.get(link), await browser.post(link)]

    assert wanted.status_code == 422
    assert wanted.json()["errors"][0]["remedy"] == "Use one of: hubspot, airtable."
    assert [each.status_code for each in pages] == [503, 503]
    for page in pages:
        assert f"{PROVIDER_LABELS[provider]} cannot be connected here just now" in page.text
    assert (await browser.get(f"/oauth/{provider}/start?authorization=x")).status_code == 404
    assert (await browser.get(f"/oauth/{provider}/callback?state=x")).status_code == 404
