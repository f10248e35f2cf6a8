"""Connecting and reconnecting, through a browser and the sandbox."""

from auth_service_rig import Rig
from tablesync.test_kit import SandboxControl


async def test_p07_reconnecting_keeps_the_connection(rig: Rig, sandbox: SandboxControl) -> None:
    before = await rig.connect("hubspot")
    await sandbox.control("hubspot", "7001", "uninstall")
    ruling = await rig.report(before["id"], before["grant_version"])
    assert ruling["verdict"] == "revoked"
    assert (await rig.connection(before["id"]))["cause"] == "app_uninstalled"

    after = await rig.connect("hubspot")

    assert after["id"] == before["id"]
    assert after["status"] == "connected"
    assert after["owner_id"] == before["owner_id"]
    assert after["grant_version"] > before["grant_version"]
