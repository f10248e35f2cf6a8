"""The audit trail: written with the change, and chained."""

from collections.abc import Awaitable, Callable

import pytest
from auth_service_rig import Rig, aged
from tablesync.auth_service import audit
from tablesync.service_kit.mongo import Database, Document
from tablesync.test_kit import SandboxControl

Fault = Callable[[Database, str], Awaitable[None]]


async def head_deleted(database: Database, workspace_id: str) -> None:
    await database["audit_heads"].delete_one({"_id": workspace_id})


def head_changed(change: Document) -> Fault:
    async def change_head(database: Database, workspace_id: str) -> None:
        await database["audit_heads"].update_one({"_id": workspace_id}, change)

    return change_head


async def place_taken(database: Database, workspace_id: str) -> None:
    """Put something into the next entry's place that is no entry."""
    await database["audit"].insert_one({"_id": f"{workspace_id}/2"})


async def head_deleted_entry_odd(database: Database, workspace_id: str) -> None:
    await head_deleted(database, workspace_id)
    await database["audit"].update_one({"_id": f"{workspace_id}/1"}, {"$unset": {"hash": ""}})


FAULTS: dict[str, Fault] = {
    "deleted": head_deleted,
    "no number": head_changed({"$unset": {"number": ""}}),
    "no hash": head_changed({"$unset": {"hash": ""}}),
    "behind": head_changed({"$set": {"number": 0}}),
    "a text": head_changed({"$set": {"number": "one"}}),
    "place taken": place_taken,
    "deleted, entry odd": head_deleted_entry_odd,
}


async def trail(rig: Rig, database: Database) -> list[str]:
    """Return the actions of the workspace's audit trail, in order."""
    entries = database["audit"].find({"workspace_id": rig.workspace_id}).sort("number", 1)
    return [entry["action"] async for entry in entries]


async def test_grant_changes_are_chained_and_tampering_shows(rig: Rig, database: Database) -> None:
    connection = await rig.connect("hubspot")
    await rig.sandbox.control("hubspot", "7001", "expire")
    await rig.report(connection["id"], connection["grant_version"])
    await rig.sandbox.control("hubspot", "7001", "uninstall")
    await rig.report(connection["id"], connection["grant_version"] + 1)
    await rig.connect("hubspot")

    assert await trail(rig, database) == [
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


@pytest.mark.parametrize("fault", FAULTS)
async def test_p03_p29_a_bad_audit_head_costs_no_grant(
    rig: Rig, database: Database, sandbox: SandboxControl, fault: str
) -> None:
    """Airtable has used the old token up by then: new ones that are not stored are lost."""
    connection_id = (await rig.connect("airtable"))["id"]
    await FAULTS[fault](database, rig.workspace_id)
    await aged(database, connection_id)

    assert (await rig.token(connection_id)).json()["grant_version"] == 2

    assert (await sandbox.counters())["airtable"]["refreshes"] == 1
    assert (await trail(rig, database))[-2:] == ["audit.head_mended", "grant.refreshed"]
    assert await rig.metric("auth_unsaved_token_sets") == 0
    assert await rig.metric("auth_audit_heads_mended_total") >= 1


async def test_p24_a_mended_head_hides_nothing_that_the_trail_lacks(
    rig: Rig, database: Database
) -> None:
    await rig.connect("hubspot")
    await rig.connect("airtable")
    await head_deleted(database, rig.workspace_id)
    await rig.connect("hubspot")
    assert await audit.verify(database, rig.workspace_id) is None

    await database["audit"].delete_one({"_id": f"{rig.workspace_id}/2"})
    await head_deleted(database, rig.workspace_id)
    await rig.connect("hubspot")
    assert await audit.verify(database, rig.workspace_id) == 2


async def test_p03_a_new_consent_is_stored_beside_a_bad_audit_head(
    rig: Rig, database: Database
) -> None:
    """Its code is burnt."""
    connection = await rig.connect("airtable")
    await head_deleted(database, rig.workspace_id)
    again = await rig.authorize("airtable", connection["id"])
    assert again["status"] == "completed"
    assert (await rig.token(connection["id"])).json()["grant_version"] == 2
