"""Connecting and reconnecting, through a browser and the sandbox."""

from typing import Any


async def test_p07_reconnecting_keeps_the_connection(auth: Any, sandbox: Any) -> None:
    before = await auth.connect("hubspot")
    await sandbox.control("hubspot", "7001", "uninstall")
    ruling = await auth.report(before["id"], before["grant_version"])
    assert ruling["verdict"] == "revoked"
    assert (await auth.connection(before["id"]))["cause"] == "app_uninstalled"

    after = await auth.connect("hubspot")

    assert after["id"] == before["id"]
    assert after["status"] == "connected"
    assert after["owner_id"] == before["owner_id"]
    assert after["grant_version"] > before["grant_version"]
