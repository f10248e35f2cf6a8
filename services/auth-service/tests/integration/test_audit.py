"""The audit trail: written with the change, and chained."""

from typing import Any

from tablesync.auth_service import audit


async def test_grant_changes_are_chained_and_tampering_shows(auth: Any, database: Any) -> None:
    connection = await auth.connect("hubspot")
    await auth.sandbox.control("hubspot", "7001", "expire")
    await auth.report(connection["id"], connection["grant_version"])
    await auth.sandbox.control("hubspot", "7001", "uninstall")
    await auth.report(connection["id"], connection["grant_version"] + 1)
    await auth.connect("hubspot")

    entries = database["audit"].find({"workspace_id": auth.workspace_id}).sort("number", 1)
    actions = [entry["action"] async for entry in entries]

    assert actions == [
        "connection.established",
        "grant.refreshed",
        "connection.revoked",
        "connection.reconnected",
    ]
    assert await audit.verify(database, auth.workspace_id) is None
    await database["audit"].delete_one({"_id": f"{auth.workspace_id}/4"})
    assert await audit.verify(database, auth.workspace_id) == 4
    await database["audit"].update_one(
        {"_id": f"{auth.workspace_id}/2"}, {"$set": {"actor": "somebody"}}
    )
    assert await audit.verify(database, auth.workspace_id) == 2
