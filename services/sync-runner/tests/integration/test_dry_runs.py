"""A dry run counts what a run over everything does, and shows the first of it."""

from typing import Any

import httpx
from inquirer import FOREIGN, signed_in, tried
from sync_runner_rig import HUBSPOT, WORKSPACE, Json, Rig
from tablesync.contracts import Provider
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.sync_runner import store
from tablesync.test_kit import eventually

DRY_RUNS = "/v1/dry-runs"
KEPT = (store.RECORD_STATES, store.CHECKPOINTS, store.REJECTIONS, store.RUNS)


async def started(http: httpx.AsyncClient, sent: Json, headers: dict[str, str]) -> str:
    answer = await http.post(DRY_RUNS, json=sent, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def told(http: httpx.AsyncClient, id_: str, headers: dict[str, str]) -> Json:
    answer = await http.get(f"{DRY_RUNS}/{id_}", headers=headers)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def become(
    http: httpx.AsyncClient, id_: str, headers: dict[str, str], *statuses: str
) -> Json:
    """Wait until a dry run has come to one of these."""

    async def look() -> Json | None:
        found = await told(http, id_, headers)
        return found if found["status"] in statuses else None

    return await eventually(look, timeout=30)


async def counted(http: httpx.AsyncClient, sent: Json, headers: dict[str, str]) -> Json:
    id_ = await started(http, sent, headers)
    return await become(http, id_, headers, "done", "failed", "cancelled")


async def stored(rig: Rig) -> dict[str, Any]:
    """Return all that runs have left."""
    return {name: await rig.database[name].find().sort("_id", 1).to_list(None) for name in KEPT}


async def test_a_dry_run_tells_what_the_next_run_then_does(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    await rig.fill(70)
    spec, headers = await rig.spec("deals"), signed_in(service_keys)
    async with rig.http("worker") as http:
        await rig.run(spec)
        unfit, changed, *others = [each["id"] for each in await rig.deals()]
        before = next(each for each in await rig.deals() if each["id"] == changed)["properties"]
        await rig.edit("deals", [unfit], amount="a lot")
        await rig.edit("deals", [changed, *others[:2]], dealname="Renamed $1")
        await rig.at_hubspot("create", object="deals", count=2)
        rows, kept = await rig.rows(spec), await stored(rig)
        first = await counted(http, tried(spec, sync_id=spec.sync_id), headers)
        unknown = await counted(http, tried(spec), headers)
        assert (await rig.rows(spec), await stored(rig)) == (rows, kept), "nothing is written"
        run = await rig.run(spec)
    assert first["status"] == "done", first
    assert (first["sync_id"], unknown["sync_id"]) == (spec.sync_id, None)
    assert first["counts"] == {"read": 72, "written": 5, "unchanged": 66, "rejected": 1}
    assert (first["created"], first["updated"]) == (2, 3)
    assert first["summary"] == (
        "2 rows would be new, 3 rows would be written again, 1 record would be rejected."
    )
    shown = {each["source_id"]: each for each in first["changes"]}
    assert len(shown) == 6
    assert shown[unfit]["kind"] == "reject"
    assert "is not a number" in shown[unfit]["reason"]
    assert shown[changed]["kind"] == "update"
    names = {each["field"]: (each["before"], each["after"]) for each in shown[changed]["cells"]}
    assert names["Deal name"] == (before["dealname"], "Renamed $1")
    assert names.keys() <= {"Deal name", "Last modified date"}
    assert run["counts"]["written"] == first["counts"]["written"]
    assert run["counts"]["rejected"] == first["counts"]["rejected"]
    # Of a sync that is not saved yet, the table itself tells which rows there are.
    assert (unknown["created"], unknown["updated"]) == (2, 69)
    assert len(unknown["changes"]) == 50


async def test_a_dry_run_is_of_its_workspace_and_checked_before_it_is_taken(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec, own = await rig.spec("deals"), signed_in(service_keys)
    foreign = signed_in(service_keys, workspace_id=FOREIGN)
    viewer = signed_in(service_keys, OperatorRole.VIEWER)
    odd = tried(spec, source={"connection_id": HUBSPOT, "object": "tickets"})
    async with rig.http("api") as http:
        keyed = own | {"Idempotency-Key": "once"}
        ids = [await started(http, tried(spec), keyed) for _ in range(2)]
        place = f"{DRY_RUNS}/{ids[0]}"
        refused = [
            await http.get(place, headers=foreign),
            await http.post(f"{place}/cancel", headers=foreign),
            await http.post(DRY_RUNS, json=tried(spec), headers=foreign),
            await http.get(place, headers=viewer),
            await http.post(DRY_RUNS, json=odd, headers=own),
        ]
        waits = await told(http, ids[0], own)
        cancelled = await http.post(f"{place}/cancel", headers=own)
        for _ in range(5):
            await started(http, tried(spec), own)
        many = await http.post(DRY_RUNS, json=tried(spec), headers=own)
    assert ids[0] == ids[1]
    assert [each.status_code for each in refused] == [404, 404, 404, 403, 422]
    assert refused[-1].json()["errors"][0]["field"] == "source.object"
    assert (waits["status"], cancelled.json()["status"]) == ("queued", "cancelled")
    assert many.status_code == 409
    assert many.json()["type"] == "urn:tablesync:problem:too-many-dry-runs"


async def test_what_is_counted_can_be_cancelled_and_is_handed_back_by_who_stops(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    await rig.fill(300)
    spec, headers = await rig.spec("deals"), signed_in(service_keys)
    async with rig.http("worker") as http:
        await rig.slow_down(Provider.HUBSPOT, 400)
        id_ = await started(http, tried(spec), headers)
        await become(http, id_, headers, "running")
    assert (await rig.stored(store.DRY_RUNS, id_))["status"] == "queued"
    async with rig.http("worker") as http:
        await become(http, id_, headers, "running")
        await rig.slow_down(Provider.HUBSPOT, 2_500)
        await http.post(f"{DRY_RUNS}/{id_}/cancel", headers=headers)
        await become(http, id_, headers, "cancelled")


async def test_one_whose_worker_is_lost_is_counted_anew_or_given_up(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec, headers = await rig.spec("deals"), signed_in(service_keys)
    async with rig.http("api") as http:
        taken_over, given_up = [await started(http, tried(spec), headers) for _ in range(2)]
    for id_, takeovers in ((taken_over, 0), (given_up, 2)):
        lost = {"status": "running", "owner": "gone", "takeovers": takeovers}
        await rig.database[store.DRY_RUNS].update_one({"_id": id_}, {"$set": lost})
    async with rig.http("worker") as http:
        done = await become(http, taken_over, headers, "done")
        failed = await become(http, given_up, headers, "failed")
    assert done["counts"]["read"] == 20
    assert "Start it again" in failed["summary"]


async def test_a_dry_run_that_cannot_go_on_says_why(rig: Rig, service_keys: ServiceKeys) -> None:
    spec, headers = await rig.spec("deals"), signed_in(service_keys)
    async with rig.http("api") as http:
        id_ = await started(http, tried(spec), headers)
    rig.auth.lose(HUBSPOT)
    async with rig.http("worker") as http:
        failed = await become(http, id_, headers, "failed")
    assert "not connected" in failed["summary"]
    row = await rig.stored(store.DRY_RUNS, id_)
    assert (row["workspace_id"], row["open"]) == (WORKSPACE, False)
    assert row["ended_at"]
