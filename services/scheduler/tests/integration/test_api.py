"""The public and the internal routes, on the whole running service."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from scheduler_examples import HUBSPOT, WORKSPACE
from scheduler_http import Json, Tokens, client_of, create_sync
from scheduler_rig import Rig
from tablesync.contracts import (
    RunCancelRequested,
    RunFailureCause,
    SyncChanged,
    SyncRequested,
)
from tablesync.contracts.internal_api import AFFECTED_LIMIT
from tablesync.scheduler.settings import Settings
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.test_kit import eventually
from tablesync.test_kit.stand_ins import SyncRunnerStandIn

pytestmark = pytest.mark.integration

OTHERS = "ws_0198f0c2-0000-7000-8000-000000000002"


async def test_a_sync_is_created_read_edited_and_deleted(
    api: httpx.AsyncClient, body: Json
) -> None:
    created = await create_sync(api, body)
    path = f"/v1/syncs/{created['id']}"
    assert created["source"]["provider"] == "hubspot"
    assert created["status"] == "active"
    assert (await api.get(path)).json() == created
    assert (await api.get("/v1/syncs")).json()["items"] == [created]
    edit = {"name": "People", "schedule": {"every_seconds": 60}, "overlap": "skip"}
    edited = (await api.patch(path, json=edit)).json()
    assert edited["version"] == 2
    assert {name: edited[name] for name in edit} == edit
    assert edited["next_slot_at"] < created["next_slot_at"]
    assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).status_code == 404
    assert (await api.get("/v1/syncs")).json()["items"] == []


async def test_a_copy_begins_paused_under_a_name_of_its_own(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    like = await create_sync(api, body)
    path = f"/v1/syncs/{like['id']}/duplicate"
    answer = await api.post(path, json={"name": " Contacts (copy) "})
    copy = answer.json()
    assert (answer.status_code, copy["name"], copy["state"]) == (201, "Contacts (copy)", "paused")
    same = ("source", "destination", "key", "mapping", "names", "overlap", "schedule")
    assert {each: copy[each] for each in same} == {each: like[each] for each in same}
    assert (copy["version"], copy["last_run"]) == (1, None)
    assert (await api.get(f"/v1/syncs/{copy['id']}")).json() == copy
    told = await rig.events(SyncChanged)
    assert (told[-1].status, told[-1].spec.name) == ("paused", copy["name"])
    refused = await api.post(path, json={"name": ""})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "name")


async def test_an_edit_of_an_older_version_changes_nothing_and_tells_what_is_now(
    api: httpx.AsyncClient, body: Json
) -> None:
    path = f"/v1/syncs/{(await create_sync(api, body))['id']}"
    mine = await api.patch(path, json={"name": "Mine", "version": 1})
    theirs = await api.patch(path, json={"name": "Theirs", "version": 1})
    assert (mine.status_code, theirs.status_code) == (200, 409)
    problem = theirs.json()
    assert problem["type"] == "urn:tablesync:problem:edited-meanwhile"
    assert (problem["version"], problem["sync"]) == (2, mine.json())
    assert (await api.patch(path, json={"name": "Theirs", "version": 2})).status_code == 200


async def pages_of(api: httpx.AsyncClient, path: str, **query: Any) -> list[list[str]]:
    """Read a list to its end; return the ids of each page."""
    found: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await api.get(path, params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append([each["id"] for each in page["items"]])
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_lists_are_read_to_their_end_page_by_page(api: httpx.AsyncClient, body: Json) -> None:
    syncs = [(await create_sync(api, body))["id"] for _ in range(3)]
    assert await pages_of(api, "/v1/syncs", limit=2) == [syncs[:2], syncs[2:]]
    asked = [await api.post(f"/v1/syncs/{each}/run") for each in (*syncs, syncs[0])]
    newest, *others = [each.json()["run_id"] for each in asked][::-1]
    assert await pages_of(api, "/v1/runs", limit=3) == [[newest, *others[:2]], others[2:]]
    own = await pages_of(api, "/v1/runs", limit=1, sync_id=syncs[0])
    assert own == [[newest], others[2:]]


@pytest.mark.parametrize("path", ["/v1/syncs", "/v1/runs"])
async def test_a_cursor_of_no_page_is_refused(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path, params={"cursor": "nonsense"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


async def test_p20_another_workspace_sees_nothing(
    api: httpx.AsyncClient, body: Json, tokens: Tokens
) -> None:
    sync = await create_sync(api, body)
    run_id = (await api.post(f"/v1/syncs/{sync['id']}/run")).json()["run_id"]
    api.headers.update(tokens.operator(OperatorRole.ADMIN, OTHERS))
    path = f"/v1/syncs/{sync['id']}"
    asked = [api.get(path), api.get(f"{path}/ledger"), api.get(f"/v1/runs/{run_id}"),
             api.patch(path, json={"name": "x"}), api.delete(path), api.post(f"{path}/run"),
             api.post(f"{path}/pause"), api.post(f"{path}/resume"), api.get(f"{path}/slots"),
             api.post(f"{path}/duplicate", json={"name": "x"}),
             api.post(f"/v1/runs/{run_id}/cancel")]  # fmt: skip
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {404}
    assert (await api.get("/v1/syncs")).json()["items"] == []
    assert (await api.get("/v1/runs")).json()["items"] == []
    foreign = await api.post("/v1/syncs", json=body)
    assert foreign.json()["errors"][0]["field"] == "source.connection_id"
    path = f"/internal/v1/connections/con_hubspot/affected-syncs?workspace_id={OTHERS}"
    assert (await api.get(path, headers=tokens.service("notifier"))).json()["items"] == []


async def test_a_viewer_may_look_and_not_touch(
    api: httpx.AsyncClient, body: Json, tokens: Tokens
) -> None:
    sync = await create_sync(api, body)
    api.headers.update(tokens.operator(OperatorRole.VIEWER))
    assert (await api.get(f"/v1/syncs/{sync['id']}")).status_code == 200
    assert (await api.post(f"/v1/syncs/{sync['id']}/run")).status_code == 403
    assert (await api.post("/v1/syncs", json=body)).status_code == 403


async def test_a_workspace_has_no_more_syncs_than_the_setting_says(
    rig: Rig, settings: Settings, tokens: Tokens, body: Json
) -> None:
    few = settings.with_(scheduler_syncs_per_workspace=2)
    async with client_of(few, tokens.operator(), "api") as api:
        made = [await api.post("/v1/syncs", json=body) for _ in range(3)]
        (await api.delete(f"/v1/syncs/{made[0].json()['id']}")).raise_for_status()
        again = await api.post("/v1/syncs", json=body)
    assert [each.status_code for each in (*made, again)] == [201, 201, 409, 201]
    problem = made[-1].json()
    assert (problem["type"], problem["limit"]) == ("urn:tablesync:problem:limit-reached", 2)
    assert "Delete one" in problem["detail"]
    assert "SCHEDULER_SYNCS_PER_WORKSPACE" in problem["detail"]


async def test_p21_a_sync_gets_no_name_that_misleads(api: httpx.AsyncClient, body: Json) -> None:
    refused = await api.post("/v1/syncs", json={**body, "name": "Con\u202etacts"})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["field"]) == (422, "name")
    assert "U+202E (right-to-left override)" in error["message"]
    assert error["remedy"].startswith("Leave that character out")


async def test_internal_routes_admit_the_named_services_alone(
    api: httpx.AsyncClient, body: Json, tokens: Tokens
) -> None:
    sync = await create_sync(api, body)
    query = f"?workspace_id={WORKSPACE}"
    affected = f"/internal/v1/connections/con_hubspot/affected-syncs{query}"
    owner = f"/internal/v1/syncs/{sync['id']}{query}"

    async def ask(path: str, caller: str) -> httpx.Response:
        return await api.get(path, headers=tokens.service(caller))

    assert (await ask(affected, "auth-service")).json()["items"][0]["sync_id"] == sync["id"]
    assert (await ask(affected, "sync-runner")).status_code == 403
    assert (await ask(owner, "notifier")).json()["owner_id"] == "op_1"
    assert (await api.get(affected)).status_code == 401


async def test_p22_an_idempotency_key_creates_one_sync(api: httpx.AsyncClient, body: Json) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first = await api.post("/v1/syncs", json=body, headers=headers)
    second = await api.post("/v1/syncs", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len((await api.get("/v1/syncs")).json()["items"]) == 1
    other = await api.post("/v1/syncs", json={**body, "name": "x"}, headers=headers)
    assert other.status_code == 422


async def test_p22_an_idempotency_key_deletes_once(api: httpx.AsyncClient, body: Json) -> None:
    path = f"/v1/syncs/{(await create_sync(api, body))['id']}"
    headers = {"Idempotency-Key": str(uuid4())}
    answers = [await api.delete(path, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [204, 204]


async def test_sync_now_asks_for_a_run_and_cancel_for_its_end(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    sync = await create_sync(api, body)
    answer = await api.post(f"/v1/syncs/{sync['id']}/run")
    assert answer.status_code == 202
    run_id = answer.json()["run_id"]
    (request,) = await rig.events(SyncRequested)
    assert (request.run_id, request.trigger, request.slot) == (run_id, "manual", None)
    shown = (await api.get(f"/v1/runs/{run_id}")).json()
    assert (shown["status"], shown["trigger"]) == ("requested", "manual")
    assert (await api.post(f"/v1/runs/{run_id}/cancel")).status_code == 202
    (cancel,) = await rig.events(RunCancelRequested)
    assert (cancel.run_id, cancel.requested_by) == (run_id, "op_1")
    await rig.succeed(await rig.run(run_id))
    answer = await api.post(f"/v1/runs/{run_id}/cancel")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("run-ended")
    runs = (await api.get("/v1/runs", params={"sync_id": sync["id"]})).json()["items"]
    assert [each["status"] for each in runs] == ["succeeded"]


async def test_p08_sync_now_is_refused_before_any_sync_is_marked(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    sync = await create_sync(api, body)
    await rig.lose()
    answer = await api.post(f"/v1/syncs/{sync['id']}/run")
    assert answer.status_code == 409
    assert answer.json()["hold"]["cause"] == "app_uninstalled"
    assert await rig.events(SyncRequested) == []


async def test_a_pause_is_shown_counted_and_ended(api: httpx.AsyncClient, body: Json) -> None:
    sync = await create_sync(api, {**body, "schedule": {"every_seconds": 1}})
    path = f"/v1/syncs/{sync['id']}"
    paused = (await api.post(f"{path}/pause")).json()
    assert (paused["status"], paused["paused"], paused["next_slot_at"]) == ("paused", True, None)

    async def passed() -> bool:
        return bool((await api.get(f"{path}/ledger")).json()["paused"] >= 2)

    await eventually(passed)
    resumed = (await api.post(f"{path}/resume")).json()
    assert resumed["status"] == "active"
    assert (await api.get(f"{path}/ledger")).json()["balanced"]


async def test_an_edit_that_mends_the_mapping_releases_the_sync(
    api: httpx.AsyncClient, body: Json, rig: Rig, sync_runner: SyncRunnerStandIn
) -> None:
    created = await create_sync(api, body)
    path = f"/v1/syncs/{created['id']}"
    run_id = (await api.post(f"{path}/run")).json()["run_id"]
    sync_runner.objects["contacts"] = ["firstname"]
    await rig.fail(await rig.run(run_id), RunFailureCause.MAPPING)
    assert (await api.get(path)).json()["hold"]["kind"] == "mapping"
    same = await api.patch(path, json={"mapping": body["mapping"]})
    assert same.json()["errors"][0]["field"] == "mapping.0.source"
    mended = {"mapping": [{"source": "firstname", "field_id": "fldName0000000001"}]}
    edited = (await api.patch(path, json=mended)).json()
    assert (edited["status"], edited["hold"]) == ("active", None)
    runs = (await api.get("/v1/runs", params={"sync_id": created["id"]})).json()["items"]
    assert [each["trigger"] for each in runs] == ["catch_up", "manual"]


async def test_a_list_of_thousands_is_read_in_pages_and_without_what_it_does_not_show(
    rig: Rig, api: httpx.AsyncClient, tokens: Tokens
) -> None:
    await rig.add_many(1_100, due_seconds_ago=-600)
    await rig.database.command("profile", 2)
    path, headers = f"/internal/v1/connections/{HUBSPOT}", tokens.service("notifier")
    query = {"workspace_id": WORKSPACE}
    found = (await api.get(f"{path}/affected-syncs", params=query, headers=headers)).json()
    counts = (await api.get(f"{path}/catch-ups", params=query, headers=headers)).json()
    await rig.database.command("profile", 0)
    assert len({each["sync_id"] for each in found["items"]}) == 1_100
    assert counts == {"total": 1_100, "held": 0, "by_status": {}}
    reads = rig.database["system.profile"].find({"op": {"$in": ["query", "getmore"]}})
    of_syncs = [each for each in await reads.to_list(None) if each["ns"].endswith(".syncs")]
    assert max(each["nreturned"] for each in of_syncs) <= AFFECTED_LIMIT
    asked = [each["command"] for each in of_syncs if each["op"] == "query"]
    assert [each["projection"]["mapping"] for each in asked] == [0] * len(asked)
    await rig.database["system.profile"].drop()
