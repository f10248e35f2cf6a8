"""Auth-failure reports: five verdicts, one question to the provider."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs


async def test_p08_an_uninstalled_app_is_found_at_once(auth: Any, sandbox: Any) -> None:
    connection = await auth.connect("hubspot")
    await sandbox.control("hubspot", "7001", "uninstall")

    rulings = await asyncio.gather(
        *(auth.report(connection["id"], connection["grant_version"]) for _ in range(50))
    )

    assert {each["verdict"] for each in rulings} == {"revoked"}
    refused = await auth.token(connection["id"])
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:tablesync:problem:connection-not-connected"
    assert refused.json()["connection_status"] == "revoked"
    assert refused.json()["cause"] == "app_uninstalled"


async def test_p17_fifty_reports_are_one_question_and_one_event(
    auth: Any, sandbox: Any, database: Any
) -> None:
    connection = await auth.connect("hubspot")
    await sandbox.control("hubspot", "7001", "uninstall")
    asked = await token_requests(sandbox)

    await asyncio.gather(
        *(auth.report(connection["id"], connection["grant_version"]) for _ in range(50))
    )

    assert await token_requests(sandbox) == asked + 1
    revoked = "tablesync.connection.revoked.v1"
    rows = await database["outbox"].find({"key": connection["id"]}).to_list(None)
    assert [dict(row["headers"])["ce_type"] for row in rows].count(revoked) == 1


async def token_requests(sandbox: Any) -> int:
    requests = (await sandbox.log(provider="hubspot"))["requests"]
    return sum("/oauth/2026-09/token" in each["path"] for each in requests)


@pytest.mark.parametrize("provider", ["hubspot", "airtable"])
async def test_a_revoked_grant_is_confirmed(auth: Any, sandbox: Any, provider: str) -> None:
    connection = await auth.connect(provider)
    await sandbox.control(provider, connection["account"]["id"], "revoke")

    ruling = await auth.report(connection["id"], connection["grant_version"])

    assert ruling["verdict"] == "revoked"
    after = await auth.connection(connection["id"])
    assert (after["status"], after["badge"]) == ("revoked", "Disconnected")


@pytest.mark.parametrize("provider", ["hubspot", "airtable"])
async def test_an_expired_token_is_recovered_and_older_reports_are_stale(
    auth: Any, sandbox: Any, provider: str
) -> None:
    connection = await auth.connect(provider)
    await sandbox.control(provider, connection["account"]["id"], "expire")
    version = connection["grant_version"]

    first = await auth.report(connection["id"], version)
    late = await auth.report(connection["id"], version)

    assert first == {"verdict": "recovered", "grant_version": version + 1}
    assert late == {"verdict": "stale", "grant_version": version + 1}


async def test_a_working_grant_is_refreshed_once_and_then_probed(auth: Any, sandbox: Any) -> None:
    connection = await auth.connect("hubspot")
    version = connection["grant_version"]

    forced = await auth.report(connection["id"], version)
    probed = await auth.report(connection["id"], version + 1)

    assert forced == {"verdict": "recovered", "grant_version": version + 1}
    assert probed == {"verdict": "not_confirmed", "grant_version": version + 1}


async def test_a_working_rotating_grant_is_only_probed(auth: Any, sandbox: Any) -> None:
    connection = await auth.connect("airtable")
    before = (await sandbox.counters())["airtable"]["refreshes"]

    ruling = await auth.report(connection["id"], connection["grant_version"])

    assert ruling["verdict"] == "not_confirmed"
    assert (await sandbox.counters())["airtable"]["refreshes"] == before


async def test_a_forbidden_object_is_not_confirmed(auth: Any) -> None:
    connection = await auth.connect("hubspot")

    ruling = await auth.report(connection["id"], connection["grant_version"], 403)

    assert ruling["verdict"] == "not_confirmed"


async def test_a_wrong_app_secret_is_inconclusive_and_alarms(auth: Any, start: Any) -> None:
    connection = await auth.connect("hubspot")
    misconfigured = await start(AUTH_HUBSPOT_CLIENT_SECRET="wrong")

    with capture_logs() as logs:
        ruling = await misconfigured.report(connection["id"], connection["grant_version"], 403)

    assert ruling["verdict"] == "inconclusive"
    assert ruling["retry_after"] > 0
    alarms = [each for each in logs if each["event"] == "provider refuses our app"]
    assert [(each["log_level"], each["provider"]) for each in alarms] == [("error", "hubspot")]
    assert (await auth.connection(connection["id"]))["status"] == "connected"


async def test_p20_a_foreign_connection_is_unknown(auth: Any) -> None:
    connection = await auth.connect("hubspot")
    runner = auth.service("sync-runner")
    path = f"/internal/v1/connections/{connection['id']}"
    body = {"workspace_id": "ws_other", "grant_version": 1}

    assert (await runner.post(f"{path}/access-token", json=body)).status_code == 404
    assert (await runner.post(f"{path}/auth-failures", json=body)).status_code == 404
