"""The audit trail: written with the change, and chained."""

from auth_service_rig import Rig
from tablesync.auth_service import audit
from tablesync.service_kit.mongo import Database


async def test_grant_changes_are_chained_and_tampering_shows(rig: Rig, database: Database) -> None:
    connection = await rig.connect("hubspot")
    await rig.sandbox.control("hubspot", "7001", "expire")
    await rig.report(connection["id"], connection["grant_version"])
    await rig.sandbox.control("hubspot", "7001", "uninstall")
    await rig.report(connection["id"], connection["grant_version"] + 1)
    await rig.connect("hubspot")

    entries = database["audit"].find({"workspace_id": rig.workspace_id}).sort("number", 1)
    actions = [entry["action"] async for entry in entries]

    assert actions == [
        "connection.established",
        "grant.refreshed",
        "connection.revoked",
        "connection.reconnected",
    ]
    assert await audit.verify(database, rig.workspace_id) is None
    await database["audit"].delete_one({"_id": f"{rig.workspace_id}/4"})
    assert await audit.verify(database, rig.workspace_id) == 4
    await database["audit"].update_one(
        {"_id": f"{rig.workspace_id}/2"}, {"$set": {"actor": "somebody"}}
    )
    assert await audit.verify(database, rig.workspace_id) == 2
