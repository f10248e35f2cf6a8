"""P29: a stored connection, member or token that cannot be read is left out, and stops no other."""

from auth_service_rig import Json, Rig, aged, stored
from tablesync.service_kit.mongo import Database
from tablesync.test_kit import SandboxControl


async def copies(rig: Rig, database: Database, count: int) -> list[str]:
    """Store copies of a connection, the first of which cannot be read, each changed later."""
    template = await stored(database, "connections", (await rig.connect())["id"])
    ids = [f"{template['_id']}-{number:03}" for number in range(count)]
    await database["connections"].insert_many(
        {
            **template,
            "_id": id_,
            "account": {**template["account"], "id": id_},
            "sequence": template["sequence"] + number + 1,
            **({"status": "tomorrow's"} if number == 0 else {}),
        }
        for number, id_ in enumerate(ids)
    )
    return ids


async def test_p29_states_are_told_to_the_last_past_what_cannot_be_read(
    rig: Rig, database: Database
) -> None:
    bad, *good = await copies(rig, database, 6)
    since = (await stored(database, "connections", bad))["sequence"] - 1
    told: list[Json] = []
    while True:
        answer = await rig.service("scheduler").get(
            "/internal/v1/connections", params={"since_sequence": since, "limit": 2}
        )
        page = answer.raise_for_status().json()["items"]
        told += page
        if len(page) < 2:
            break
        since = page[-1]["sequence"]
    assert [each["connection_id"] for each in told if each["connection_id"] in {bad, *good}] == good


async def test_p29_lists_show_what_can_be_read_and_name_the_rest(
    rig: Rig, database: Database
) -> None:
    bad, *good = await copies(rig, database, 3)
    operator = await rig.operator()
    listed = (await operator.get("/v1/connections")).raise_for_status().json()
    assert [each["id"] for each in listed["items"]][1:] == good
    assert listed["unread_ids"] == [bad]
    answer = await operator.get(f"/v1/connections/{bad}")
    assert (answer.status_code, answer.json()["type"]) == (
        500,
        "urn:tablesync:problem:unreadable-document",
    )


async def test_p29_a_member_who_cannot_be_read_is_nobodys_loss(
    rig: Rig, database: Database
) -> None:
    operator = await rig.operator()
    before = (await operator.get("/v1/members")).json()["items"]
    viewer = next(each for each in before if each["role"] == "viewer")
    await database["operators"].update_one({"_id": viewer["operator_id"]}, {"$unset": {"name": ""}})
    listed = (await operator.get("/v1/members")).raise_for_status().json()
    assert [each["operator_id"] for each in listed["items"]] == [
        each["operator_id"] for each in before if each is not viewer
    ]
    assert listed["unread_ids"] == [viewer["operator_id"]]
    answer = await rig.service("notifier").get(
        f"/internal/v1/workspaces/{rig.workspace_id}/recipients"
    )
    assert answer.raise_for_status().json()["items"]


async def test_p02_p29_nothing_is_refreshed_for_a_connection_that_cannot_be_read(
    rig: Rig, database: Database, sandbox: SandboxControl
) -> None:
    """Its new tokens could not be stored, and the old ones are dead by then."""
    connection_id = (await rig.connect("airtable"))["id"]
    good = await stored(database, "connections", connection_id)
    await aged(database, connection_id)
    strange = {"$set": {"status": "tomorrow's"}}
    await database["connections"].update_one({"_id": connection_id}, strange)
    answer = await rig.token(connection_id)
    assert (answer.status_code, answer.json()["type"]) == (
        500,
        "urn:tablesync:problem:unreadable-document",
    )
    assert (await sandbox.counters())["airtable"]["refreshes"] == 0
    await database["connections"].replace_one({"_id": connection_id}, good)
    assert (await rig.token(connection_id)).json()["grant_version"] == 2
