"""One thing done to many syncs: carried out in chunks, each sync as if by itself, and reported."""

from uuid import uuid4

import httpx
import pytest
from scheduler_examples import AIRTABLE, HUBSPOT
from scheduler_http import Json, Tokens
from scheduler_rig import Rig
from tablesync.contracts import RunCancelRequested, RunFailureCause, SyncChanged, SyncRequested
from tablesync.scheduler.store import bulk_changes
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.test_kit import eventually

pytestmark = pytest.mark.integration

OTHERS = "ws_0198f0c2-0000-7000-8000-000000000002"
HELD = "urn:tablesync:problem:sync-held"
OTHERS_MATCH = "urn:tablesync:problem:others-match"
NOT_FOUND = "urn:tablesync:problem:not-found"


async def begun(api: httpx.AsyncClient, path: str, body: Json | None = None) -> str:
    answer = await api.post(path, json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def done(rig: Rig, api: httpx.AsyncClient, path: str, body: Json | None = None) -> Json:
    """Begin a change and let the worker carry it out; return its report."""
    id_ = await begun(api, path, body)
    await rig.many.tick()
    report: Json = (await api.get(f"/v1/bulk-changes/{id_}")).raise_for_status().json()
    assert report["status"] == "done"
    assert report["done"] + report["unchanged"] + report["failed_total"] == report["total"]
    return report


async def paused(rig: Rig) -> set[str]:
    return set(await rig.database["syncs"].distinct("name", {"paused": True}))


async def test_what_fits_now_is_paused_and_what_was_paused_stays_so(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    for name in ("Deals", "Old deals", "Contacts"):
        await rig.add(name=name)
    await rig.add(name="Paused deals", paused=True)
    wanted = {"action": "pause", "matching": {"q": "deals"}}
    report = await done(rig, api, "/v1/syncs/bulk", wanted)
    assert (report["total"], report["done"], report["unchanged"]) == (3, 2, 1)
    assert await paused(rig) == {"Deals", "Old deals", "Paused deals"}
    told = await rig.events(SyncChanged)
    assert [each.status for each in told] == ["paused", "paused"]


async def test_nothing_is_changed_if_other_syncs_fit_than_were_seen(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    for name in ("Deals", "Old deals", "Contacts"):
        await rig.add(name=name)
    wanted = {"action": "pause", "matching": {"q": "deals"}}
    for seen in (0, 1, 3):
        refused = await api.post("/v1/syncs/bulk", json={**wanted, "seen": seen})
        problem = refused.json()
        assert (refused.status_code, problem["type"]) == (409, OTHERS_MATCH)
        assert problem["matching"] == 2
    assert await rig.database["bulk_changes"].count_documents({}) == 0
    assert (await done(rig, api, "/v1/syncs/bulk", {**wanted, "seen": 2}))["done"] == 2


async def test_a_connections_resume_takes_back_its_own_pause_alone(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    for name in ("a", "b"):
        await rig.add(name=name)
    own = await rig.add(name="own")
    (await api.post(f"/v1/syncs/{own.id}/pause")).raise_for_status()
    report = await done(rig, api, f"/v1/connections/{HUBSPOT}/pause")
    assert (report["done"], report["unchanged"]) == (2, 1)
    (card,) = [
        each
        for each in (await api.get("/v1/connections/uses")).json()["items"]
        if each["connection_id"] == HUBSPOT
    ]
    assert card["paused_with_it"] == 2
    assert (await done(rig, api, f"/v1/connections/{AIRTABLE}/resume"))["total"] == 0
    assert (await done(rig, api, f"/v1/connections/{HUBSPOT}/resume"))["done"] == 2
    assert await paused(rig) == {"own"}


async def test_sync_now_of_many_names_what_is_held_and_what_is_not_there(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    held, run = await rig.requested()
    await rig.fail(run, RunFailureCause.RESOURCE)
    free = await rig.add(name="free")
    ids = [free.id, held.id, "syn_of_nobody", free.id]
    report = await done(rig, api, "/v1/syncs/bulk", {"action": "run", "sync_ids": ids})
    assert (report["total"], report["done"]) == (3, 1)
    failed = {each["sync_id"]: (each["name"], each["type"]) for each in report["failed"]}
    assert failed == {held.id: ("Contacts", HELD), "syn_of_nobody": (None, NOT_FOUND)}
    (request,) = await rig.requests(free)
    assert request.trigger == "manual"
    await rig.lose()
    report = await done(rig, api, f"/v1/connections/{HUBSPOT}/run")
    assert {each["type"] for each in report["failed"]} == {HELD}
    assert "uninstalled at HubSpot" in report["failed"][0]["message"]


async def test_deleted_syncs_are_gone_and_their_runs_are_asked_to_stop(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    sync, run = await rig.requested()
    stays = await rig.add(name="stays")
    await done(rig, api, "/v1/syncs/bulk", {"action": "delete", "sync_ids": [sync.id]})
    assert await rig.database["syncs"].distinct("_id") == [stays.id]
    (cancel,) = await rig.events(RunCancelRequested)
    assert (cancel.run_id, cancel.requested_by) == (run.id, "op_1")
    assert [each.status for each in await rig.events(SyncChanged)] == ["deleted"]


async def test_a_change_of_thousands_goes_on_where_it_was_killed(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    count = 2 * bulk_changes.CHUNK + 100
    await rig.add_many(count, due_seconds_ago=-3600)
    id_ = await begun(api, "/v1/syncs/bulk", {"action": "run", "matching": {}})
    await rig.many.work_chunk(id_)
    halfway = (await api.get(f"/v1/bulk-changes/{id_}")).json()
    assert (halfway["status"], halfway["done"]) == ("running", bulk_changes.CHUNK)
    await rig.beside().many.tick()
    report = (await api.get(f"/v1/bulk-changes/{id_}")).json()
    assert (report["status"], report["done"], report["total"]) == ("done", count, count)
    asked = await rig.events(SyncRequested)
    assert len({each.sync_id for each in asked}) == len(asked) == count
    assert await rig.database[bulk_changes.CHUNKS].count_documents({}) == 0


async def test_p29_a_sync_that_cannot_be_changed_fails_by_itself(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    healthy, unread, odd = [await rig.add(name=each) for each in ("a", "b", "c")]
    syncs = rig.database["syncs"]
    await syncs.update_one({"_id": unread.id}, {"$set": {"overlap": "tomorrow's"}})
    await syncs.update_one({"_id": odd.id}, {"$set": {"sequence": 2**63 - 1}})
    ids = [unread.id, odd.id, healthy.id]
    report = await done(rig, api, "/v1/syncs/bulk", {"action": "pause", "sync_ids": ids})
    assert [each["sync_id"] for each in report["failed"]] == [unread.id, odd.id]
    assert (report["done"], await paused(rig)) == (1, {"a"})


async def test_p20_p22_many_are_changed_once_and_by_their_own_workspace(
    rig: Rig, api: httpx.AsyncClient, tokens: Tokens
) -> None:
    sync = await rig.add()
    others = tokens.operator(OperatorRole.ADMIN, OTHERS)
    wanted = {"action": "delete", "sync_ids": [sync.id]}
    theirs = (await api.post("/v1/syncs/bulk", json=wanted, headers=others)).json()
    await rig.many.tick()
    assert await rig.database["syncs"].count_documents({}) == 1
    path = f"/v1/bulk-changes/{theirs['id']}"
    report = (await api.get(path, headers=others)).json()
    assert [each["type"] for each in report["failed"]] == [NOT_FOUND]
    assert (await api.get(path)).status_code == 404
    for act in ("pause", "resume", "run"):
        foreign = await api.post(f"/v1/connections/{HUBSPOT}/{act}", headers=others)
        assert foreign.status_code == 404
    once = {"Idempotency-Key": str(uuid4())}
    both = [await api.post("/v1/syncs/bulk", json=wanted, headers=once) for _ in range(2)]
    assert both[0].json() == both[1].json()
    viewer = tokens.operator(OperatorRole.VIEWER)
    assert (await api.post("/v1/syncs/bulk", json=wanted, headers=viewer)).status_code == 403
    seen = await api.get(f"/v1/bulk-changes/{both[0].json()['id']}", headers=viewer)
    assert seen.status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "pause"}, "body"),
        ({"action": "pause", "sync_ids": ["syn_1"], "matching": {}}, "body"),
        ({"action": "pause", "sync_ids": []}, "sync_ids"),
        ({"action": "paint", "matching": {}}, "action"),
        ({"action": "pause", "matching": {"q": "a\x00"}}, "matching.q"),
        ({"action": "pause", "matching": {"name": "x"}}, "matching.name"),
    ],
    ids=str,
)
async def test_p21_what_does_not_say_which_syncs_is_refused(
    api: httpx.AsyncClient, body: Json, field: str
) -> None:
    refused = await api.post("/v1/syncs/bulk", json=body)
    error = refused.json()["errors"][0]
    assert (refused.status_code, error["field"]) == (422, field)
    assert error["remedy"]


async def test_the_running_service_carries_a_change_out(
    rig: Rig, service: httpx.AsyncClient
) -> None:
    await rig.add()
    id_ = await begun(service, f"/v1/connections/{HUBSPOT}/pause")

    async def is_done() -> bool:
        answer = await service.get(f"/v1/bulk-changes/{id_}")
        return bool(answer.json()["status"] == "done")

    await eventually(is_done)
