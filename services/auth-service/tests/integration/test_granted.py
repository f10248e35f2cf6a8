"""What a consent has granted is part of its connection's public state, and so is each change."""

import pytest
from auth_service_rig import Json, Rig, aged, events_of
from tablesync.contracts import ConnectionEstablished, ConnectionReconnected
from tablesync.service_kit.mongo import Database


async def told_within(rig: Rig, connection: Json) -> Json:
    """Return a connection's state as other services reconcile with it."""
    answer = await rig.service("scheduler").get("/internal/v1/connections")
    return next(
        each for each in answer.json()["items"] if each["connection_id"] == connection["id"]
    )


async def bases_of(rig: Rig) -> dict[str, str]:
    return {each["name"]: each["id"] for each in (await rig.sandbox.bases())["bases"]}


async def reconnect(rig: Rig, connection: Json, **choice: object) -> None:
    await rig.sandbox.answer("airtable", user="ada@acme.test", decision="allow", **choice)
    assert (await rig.authorize("airtable", connection["id"]))["status"] == "completed"


async def test_p06_a_connection_tells_its_scopes_and_the_bases_that_were_chosen(
    rig: Rig, database: Database
) -> None:
    connection = await rig.connect("airtable")
    bases = await bases_of(rig)
    chosen = [bases["Acme contacts"]]
    scopes = [each for each in connection["scopes"] if each != "user.email:read"]

    await reconnect(rig, connection, bases=chosen, scopes=scopes)

    first = (await events_of(database, ConnectionEstablished))[-1]
    assert first["scopes"] == connection["scopes"]
    assert first["resources"] == connection["resources"] == sorted(bases.values())
    event = (await events_of(database, ConnectionReconnected))[-1]
    shown, told = await rig.connection(connection["id"]), await told_within(rig, connection)
    for state in (event, shown, told):
        assert (state["scopes"], state["resources"]) == (scopes, chosen)
    assert "see your e-mail address" in shown["findings"][0]["message"]


async def test_p06_nothing_is_told_of_what_a_provider_leaves_no_choice_in(rig: Rig) -> None:
    connection = await rig.connect("hubspot")
    assert connection["resources"] is None
    assert "resources" not in await told_within(rig, connection)


@pytest.mark.parametrize("trouble", [{"status": 503}, {"status": 403}])
async def test_p06_bases_that_could_not_be_listed_are_not_told(rig: Rig, trouble: Json) -> None:
    connection = await rig.connect("airtable")
    await rig.sandbox.control("airtable", "-", "break", path_contains="/meta/bases", **trouble)
    await reconnect(rig, connection)
    assert "resources" not in await told_within(rig, connection)


async def test_p06_scopes_that_are_others_at_a_refresh_are_told_once(
    rig: Rig, database: Database
) -> None:
    connection = await rig.connect("hubspot")
    less = [each for each in connection["scopes"] if "deals" not in each]
    await rig.sandbox.control("hubspot", connection["account"]["id"], "rescope", scopes=less)
    for _ in range(2):
        await aged(database, connection["id"])
        assert (await rig.token(connection["id"])).status_code == 200

    told = await events_of(database, ConnectionReconnected)
    (event,) = (each for each in told if each["connection_id"] == connection["id"])
    assert event["scopes"] == less
    assert event["sequence"] > (await events_of(database, ConnectionEstablished))[-1]["sequence"]
    assert (await told_within(rig, connection))["sequence"] == event["sequence"]


async def test_p06_bases_are_not_told_again_at_a_refresh_that_brings_other_scopes(
    rig: Rig, database: Database
) -> None:
    """Airtable lets people choose others meanwhile, and tells nobody."""
    connection = await rig.connect("airtable")
    assert connection["resources"]
    less = [each for each in connection["scopes"] if each != "user.email:read"]
    await rig.sandbox.control("airtable", "-", "rescope", scopes=less)
    await aged(database, connection["id"])
    assert (await rig.token(connection["id"])).status_code == 200

    event = (await events_of(database, ConnectionReconnected))[-1]
    assert (event["connection_id"], event["scopes"]) == (connection["id"], less)
    assert "resources" not in event
    assert "resources" not in await told_within(rig, connection)
