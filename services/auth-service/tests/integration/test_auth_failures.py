"""Auth-failure reports: five verdicts, one question to the provider."""

import asyncio

import pytest
from auth_service_rig import Rig, Start
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import SandboxControl
from tablesync.test_kit.logs import own_logs


async def test_p08_an_uninstalled_app_is_found_at_once(rig: Rig, sandbox: SandboxControl) -> None:
    connection = await rig.connect("hubspot")
    await sandbox.control("hubspot", "7001", "uninstall")

    rulings = await asyncio.gather(
        *(rig.report(connection["id"], connection["grant_version"]) for _ in range(50))
    )

    assert {each["verdict"] for each in rulings} == {"revoked"}
    refused = await rig.token(connection["id"])
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:tablesync:problem:connection-not-connected"
    assert refused.json()["connection_status"] == "revoked"
    assert refused.json()["cause"] == "app_uninstalled"


async def test_p17_fifty_reports_are_one_question_and_one_event(
    rig: Rig, sandbox: SandboxControl, database: Database
) -> None:
    connection = await rig.connect("hubspot")
    await sandbox.control("hubspot", "7001", "uninstall")
    asked = await token_requests(sandbox)

    await asyncio.gather(
        *(rig.report(connection["id"], connection["grant_version"]) for _ in range(50))
    )

    assert await token_requests(sandbox) == asked + 1
    revoked = "tablesync.connection.revoked.v1"
    rows = await database["outbox"].find({"key": connection["id"]}).to_list(None)
    assert [dict(row["headers"])["ce_type"] for row in rows].count(revoked) == 1


async def token_requests(sandbox: SandboxControl) -> int:
    requests = (await sandbox.log(provider="hubspot"))["requests"]
    return sum("/oauth/2026-09/token" in each["path"] for each in requests)


async def test_a_refused_grant_whose_life_was_over_has_expired(
    rig: Rig, sandbox: SandboxControl, database: Database
) -> None:
    connection = await rig.connect("airtable")
    over = [{"$set": {"refresh_expires_at": "$$NOW"}}]
    await database["grants"].update_one({"_id": connection["id"]}, over)
    await sandbox.control("airtable", connection["account"]["id"], "revoke")

    ruling = await rig.report(connection["id"], connection["grant_version"])

    assert ruling["verdict"] == "revoked"
    assert (await rig.connection(connection["id"]))["cause"] == "grant_expired"


@pytest.mark.parametrize("provider", ["hubspot", "airtable"])
async def test_a_revoked_grant_is_confirmed(
    rig: Rig, sandbox: SandboxControl, provider: str
) -> None:
    connection = await rig.connect(provider)
    await sandbox.control(provider, connection["account"]["id"], "revoke")

    ruling = await rig.report(connection["id"], connection["grant_version"])

    assert ruling["verdict"] == "revoked"
    after = await rig.connection(connection["id"])
    assert (after["status"], after["badge"]) == ("revoked", "Disconnected")


@pytest.mark.parametrize("provider", ["hubspot", "airtable"])
async def test_an_expired_token_is_recovered_and_older_reports_are_stale(
    rig: Rig, sandbox: SandboxControl, provider: str
) -> None:
    connection = await rig.connect(provider)
    await sandbox.control(provider, connection["account"]["id"], "expire")
    version = connection["grant_version"]

    first = await rig.report(connection["id"], version)
    late = await rig.report(connection["id"], version)

    assert first == {"verdict": "recovered", "grant_version": version + 1}
    assert late == {"verdict": "stale", "grant_version": version + 1}


async def test_a_working_grant_is_refreshed_once_and_then_probed(
    rig: Rig, sandbox: SandboxControl
) -> None:
    connection = await rig.connect("hubspot")
    version = connection["grant_version"]

    forced = await rig.report(connection["id"], version)
    probed = await rig.report(connection["id"], version + 1)

    assert forced == {"verdict": "recovered", "grant_version": version + 1}
    assert probed == {"verdict": "not_confirmed", "grant_version": version + 1}


async def test_a_working_rotating_grant_is_only_probed(rig: Rig, sandbox: SandboxControl) -> None:
    connection = await rig.connect("airtable")
    before = (await sandbox.counters())["airtable"]["refreshes"]

    ruling = await rig.report(connection["id"], connection["grant_version"])

    assert ruling["verdict"] == "not_confirmed"
    assert (await sandbox.counters())["airtable"]["refreshes"] == before


async def test_a_forbidden_object_is_not_confirmed(rig: Rig) -> None:
    connection = await rig.connect("hubspot")

    ruling = await rig.report(connection["id"], connection["grant_version"], 403)

    assert ruling["verdict"] == "not_confirmed"


async def test_a_wrong_app_secret_is_inconclusive_and_alarms(rig: Rig, start: Start) -> None:
    connection = await rig.connect("hubspot")
    with own_logs() as logs:
        misconfigured = await start(AUTH_HUBSPOT_CLIENT_SECRET="wrong")
        before = len(logs)
        ruling = await misconfigured.report(connection["id"], connection["grant_version"], 403)

    assert ruling["verdict"] == "inconclusive"
    assert ruling["retry_after"] > 0
    alarms = [each for each in logs[before:] if each["event"] == "provider refuses our app"]
    assert [(each["log_level"], each["provider"]) for each in alarms] == [("error", "hubspot")]
    assert (await rig.connection(connection["id"]))["status"] == "connected"


async def test_p20_a_foreign_connection_is_unknown(rig: Rig) -> None:
    connection = await rig.connect("hubspot")
    runner = rig.service("sync-runner")
    path = f"/internal/v1/connections/{connection['id']}"
    body = {"workspace_id": "ws_other", "grant_version": 1}

    assert (await runner.post(f"{path}/access-token", json=body)).status_code == 404
    assert (await runner.post(f"{path}/auth-failures", json=body)).status_code == 404
