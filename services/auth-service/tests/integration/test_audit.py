"""The audit trail: written with the change, and chained."""

from collections.abc import Awaitable, Callable
from itertools import chain

import pytest
from auth_service_rig import Rig, aged, pages_of
from tablesync.auth_service import audit
from tablesync.service_kit.mongo import Database, Document
from tablesync.test_kit import SandboxControl, press

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


async def test_a_connections_history_tells_what_became_of_it_and_by_whom(
    rig: Rig, other_rig: Rig, sandbox: SandboxControl
) -> None:
    connection = await rig.connect("hubspot")
    path, admin = f"/v1/connections/{connection['id']}", await rig.operator("admin")
    await sandbox.control("hubspot", "7001", "expire")
    await rig.report(connection["id"], 1)
    await sandbox.control("hubspot", "7001", "uninstall")
    await rig.report(connection["id"], 2)
    link = await rig.link(connection["id"], "operator")
    await press(rig.client(follow_redirects=True), link)
    await admin.patch(path, json={"name": "Sales"})
    (await admin.post(f"{path}/disconnect")).raise_for_status()
    await rig.connect("airtable")

    pages = await pages_of(await rig.operator("viewer"), f"{path}/history", limit=2)

    told = [each for page in pages for each in page]
    people = {each: rig.person(each)["name"] for each in ("admin", "operator")}
    assert [(each["kind"], each["cause"], each["by"] and each["by"]["name"]) for each in told] == [
        ("disconnected", None, people["admin"]),
        ("renamed", None, people["admin"]),
        ("reconnected", None, people["operator"]),
        ("revoked", "app_uninstalled", None),
        ("established", None, people["admin"]),
    ]
    assert [each["at"] for each in told] == sorted((each["at"] for each in told), reverse=True)
    assert (await (await other_rig.operator()).get(f"{path}/history")).status_code == 404


async def test_the_trail_is_told_to_admins_with_names_past_what_cannot_be_read(
    rig: Rig, other_rig: Rig, database: Database
) -> None:
    connection = await rig.connect("hubspot")
    await rig.report(connection["id"], 1)
    await rig.invite("newcomer@example.test")
    admin, one = await rig.operator("admin"), {"workspace_id": rig.workspace_id}
    last = await database["audit"].count_documents(one)
    await database["audit"].update_one({**one, "number": last}, {"$unset": {"actor": ""}})
    await database["audit"].insert_one({"_id": f"{rig.workspace_id}/odd", **one})

    whole = (await admin.get("/v1/audit")).raise_for_status().json()
    pages = await pages_of(admin, "/v1/audit", limit=1)

    assert [*chain(*pages)] == whole["items"]
    assert whole["unread_ids"] == [f"{rig.workspace_id}/{last}"]
    first = whole["items"][-1]
    assert (first["number"], first["action"]) == (1, "connection.established")
    assert (first["actor_id"], first["actor"]) == (
        rig.person("admin")["id"],
        rig.person("admin")["name"],
    )
    assert first["detail"] == {"account": "7001", "version": 1}
    assert (await (await rig.operator("operator")).get("/v1/audit")).status_code == 403
    assert (await (await other_rig.operator()).get("/v1/audit")).json()["items"] == []


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
