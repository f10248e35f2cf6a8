"""The public and the internal routes, on the whole running service."""

import asyncio
from copy import deepcopy
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tablesync.contracts import ConnectionRevoked, RunCancelRequested, SyncRequested
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.test_kit import eventually

pytestmark = pytest.mark.integration

OTHERS = "ws_0198f0c2-0000-7000-8000-000000000002"


@pytest.fixture
def body() -> dict[str, Any]:
    return {
        "name": "Contacts",
        "source": {"connection_id": "con_hubspot", "object": "contacts"},
        "destination": {"connection_id": "con_airtable", "base_id": "app1", "table_id": "tbl1"},
        "key": {"source": "id", "field_id": "fldKey"},
        "mapping": [{"source": "email", "field_id": "fldEmail"}],
        "schedule": {"every_seconds": 3600},
    }


async def create(api: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post("/v1/syncs", json=body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def put(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of the body with one field changed."""
    changed = deepcopy(body)
    place, names = changed, path.split(".")
    for name in names[:-1]:
        place = place[name]
    place[names[-1]] = value
    return changed


async def test_a_sync_is_created_read_edited_and_deleted(
    api: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    created = await create(api, body)
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


async def pages_of(api: httpx.AsyncClient, path: str, **query: Any) -> list[list[str]]:
    """Read a list to its end; return the ids of each page."""
    found, cursor = [], {}
    while True:
        answer = await api.get(path, params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append([each["id"] for each in page["items"]])
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_lists_are_read_to_their_end_page_by_page(
    api: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    syncs = [(await create(api, body))["id"] for _ in range(3)]
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


@pytest.mark.parametrize(
    ("path", "value", "field", "remedy"),
    [
        ("schedule.every_seconds", 0, "schedule.every_seconds", "1 or more"),
        ("schedule.every_seconds", -5, "schedule.every_seconds", "1 or more"),
        ("schedule.every_seconds", 10**12, "schedule.every_seconds", "or less"),
        ("source.connection_id", "con_unknown", "source.connection_id", "Connect the account"),
        ("source.connection_id", "con_airtable", "source.connection_id", "read from"),
        ("destination.connection_id", "con_hubspot", "destination.connection_id", "Airtable"),
        ("source.object", "tickets", "source.object", "companies, contacts"),
        ("destination.base_id", "appX", "destination.base_id", "app1"),
        ("destination.table_id", "tblX", "destination.table_id", "tbl1 (Contacts)"),
        ("key.source", "nope", "key.source", "email, firstname, id"),
        ("key.field_id", "fldX", "key.field_id", "fldKey (HubSpot id)"),
        ("key.field_id", "fldName2", "key.field_id", "fldName (Name)"),
        ("mapping", [{"source": "x", "field_id": "fldName"}], "mapping.0.source", "email"),
        ("mapping", [{"source": "email", "field_id": "fldX"}], "mapping.0.field_id", "fldName"),
        ("mapping", [{"source": "email", "field_id": "fldSum"}], "mapping.0.field_id", "fldName"),
        ("mapping", [{"source": "email", "field_id": "fldKey"}], "mapping.0.field_id", "once"),
        ("key", None, "key", "Change key in the body: it should be"),
        ("name", "", "name", "at least one"),
        ("name", " \t\n\u2003", "name", "at least one"),
        ("name", "a\u0000b", "name", "one line"),
        ("name", "a\u0085b", "name", "one line"),
        ("name", "a\u2028b", "name", "one line"),
        ("name", "a\u2029b", "name", "one line"),
        ("name", "Evil\r\nBcc: x@y.z", "name", "one line"),
        ("name", "x" * 256, "name", "at most"),
        ("overlap", "sometimes", "overlap", "it should be 'coalesce' or 'skip'"),
        ("overlaps", "skip", "overlaps", "Leave overlaps out of the body."),
    ],
)
async def test_bad_input_names_the_field_and_the_remedy(
    api: httpx.AsyncClient, body: dict[str, Any], path: str, value: Any, field: str, remedy: str
) -> None:
    answer = await api.post("/v1/syncs", json=put(body, path, value))
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert [each["field"] for each in errors] == [field]
    assert remedy in errors[0]["remedy"]
    assert (await api.get("/v1/syncs")).json()["items"] == []


@pytest.mark.parametrize(("name", "remedy"), [(" ", "at least one"), ("a\r\nb", "one line")])
async def test_an_edit_to_a_bad_name_changes_nothing(
    api: httpx.AsyncClient, body: dict[str, Any], name: str, remedy: str
) -> None:
    path = f"/v1/syncs/{(await create(api, body))['id']}"
    answer = await api.patch(path, json={"name": name, "schedule": {"every_seconds": 0}})
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert [each["field"] for each in errors] == ["name", "schedule.every_seconds"]
    assert remedy in errors[0]["remedy"]
    shown = (await api.get(path)).json()
    assert (shown["name"], shown["version"]) == (body["name"], 1)


@pytest.mark.parametrize("name", ["Ζωή 連絡先", "جهات الاتصال", "नमस्ते", "👩‍👩‍👧 Kids", "Łódź"])
async def test_names_in_any_script_are_kept_and_white_space_around_them_is_not(
    api: httpx.AsyncClient, body: dict[str, Any], name: str
) -> None:
    created = await create(api, {**body, "name": f" {name}\n"})
    assert created["name"] == name
    edit = {"name": f"\u3000{name} 2\t"}
    edited = (await api.patch(f"/v1/syncs/{created['id']}", json=edit)).json()
    assert edited["name"] == f"{name} 2"


async def test_a_key_that_airtable_does_not_merge_on_is_refused(
    api: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    bad = {**body, "key": {"source": "email", "field_id": "fldEmail"}, "mapping": []}
    (error,) = (await api.post("/v1/syncs", json=bad)).json()["errors"]
    assert error["field"] == "key.field_id"
    assert "of type email" in error["message"]
    assert "fldKey (HubSpot id), fldName (Name)" in error["remedy"]


async def test_the_key_may_be_listed_among_the_mappings(
    api: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    created = await create(api, {**body, "mapping": [body["key"], *body["mapping"]]})
    assert created["mapping"] == body["mapping"]


async def test_a_lost_connection_refuses_a_new_sync_with_the_cause(
    api: httpx.AsyncClient,
    body: dict[str, Any],
    scheduler: Any,
    stand_ins: Any,
    new_state: Any,
) -> None:
    await scheduler.database["connection_holds"].delete_many({})
    stand_ins.states["con_hubspot"] = new_state(ConnectionRevoked, 9)
    answer = await api.post("/v1/syncs", json=body)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("connection-not-connected")
    assert answer.json()["cause"] == "app_uninstalled"


async def test_a_dependency_that_is_away_is_no_fault_of_the_caller(
    api: httpx.AsyncClient, body: dict[str, Any], stand_ins: Any
) -> None:
    stand_ins.down = True
    answer = await api.post("/v1/syncs", json=body)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


async def test_p20_another_workspace_sees_nothing(
    api: httpx.AsyncClient, body: dict[str, Any], user_token: Any, service_token: Any
) -> None:
    sync = await create(api, body)
    run_id = (await api.post(f"/v1/syncs/{sync['id']}/run")).json()["run_id"]
    token = user_token(OperatorRole.ADMIN, OTHERS)
    api.headers["Authorization"] = f"Bearer {token}"
    path = f"/v1/syncs/{sync['id']}"
    asked = [api.get(path), api.get(f"{path}/ledger"), api.get(f"/v1/runs/{run_id}"),
             api.patch(path, json={"name": "x"}), api.delete(path), api.post(f"{path}/run"),
             api.post(f"{path}/pause"), api.post(f"{path}/resume"),
             api.post(f"/v1/runs/{run_id}/cancel")]  # fmt: skip
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {404}
    assert (await api.get("/v1/syncs")).json()["items"] == []
    assert (await api.get("/v1/runs")).json()["items"] == []
    foreign = await api.post("/v1/syncs", json=body)
    assert foreign.json()["errors"][0]["field"] == "source.connection_id"
    internal = {"Authorization": f"Bearer {service_token('notifier')}"}
    path = f"/internal/v1/connections/con_hubspot/affected-syncs?workspace_id={OTHERS}"
    assert (await api.get(path, headers=internal)).json()["items"] == []


async def test_a_viewer_may_look_and_not_touch(
    api: httpx.AsyncClient, body: dict[str, Any], user_token: Any
) -> None:
    sync = await create(api, body)
    api.headers["Authorization"] = f"Bearer {user_token(OperatorRole.VIEWER)}"
    assert (await api.get(f"/v1/syncs/{sync['id']}")).status_code == 200
    assert (await api.post(f"/v1/syncs/{sync['id']}/run")).status_code == 403
    assert (await api.post("/v1/syncs", json=body)).status_code == 403


async def test_internal_routes_admit_the_named_services_alone(
    api: httpx.AsyncClient, body: dict[str, Any], service_token: Any
) -> None:
    sync = await create(api, body)
    query = f"?workspace_id={WORKSPACE}"
    affected = f"/internal/v1/connections/con_hubspot/affected-syncs{query}"
    owner = f"/internal/v1/syncs/{sync['id']}{query}"

    async def ask(path: str, caller: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {service_token(caller)}"}
        return await api.get(path, headers=headers)

    assert (await ask(affected, "auth-service")).json()["items"][0]["sync_id"] == sync["id"]
    assert (await ask(affected, "sync-runner")).status_code == 403
    assert (await ask(owner, "notifier")).json()["owner_id"] == "op_1"
    assert (await api.get(affected)).status_code == 401


WORKSPACE = "ws_0198f0c2-0000-7000-8000-000000000001"


async def test_p22_an_idempotency_key_creates_one_sync(
    api: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first = await api.post("/v1/syncs", json=body, headers=headers)
    second = await api.post("/v1/syncs", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len((await api.get("/v1/syncs")).json()["items"]) == 1
    other = await api.post("/v1/syncs", json={**body, "name": "x"}, headers=headers)
    assert other.status_code == 422


async def test_p22_an_idempotency_key_deletes_once(
    api: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    path = f"/v1/syncs/{(await create(api, body))['id']}"
    headers = {"Idempotency-Key": str(uuid4())}
    answers = [await api.delete(path, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [204, 204]


async def test_sync_now_asks_for_a_run_and_cancel_for_its_end(
    api: httpx.AsyncClient, body: dict[str, Any], scheduler: Any
) -> None:
    sync = await create(api, body)
    answer = await api.post(f"/v1/syncs/{sync['id']}/run")
    assert answer.status_code == 202
    run_id = answer.json()["run_id"]
    (request,) = await scheduler.events(SyncRequested)
    assert (request.run_id, request.trigger, request.slot) == (run_id, "manual", None)
    shown = (await api.get(f"/v1/runs/{run_id}")).json()
    assert (shown["status"], shown["trigger"]) == ("requested", "manual")
    assert (await api.post(f"/v1/runs/{run_id}/cancel")).status_code == 202
    (cancel,) = await scheduler.events(RunCancelRequested)
    assert (cancel.run_id, cancel.requested_by) == (run_id, "op_1")
    await scheduler.succeed(await scheduler.store.runs.get(run_id))
    answer = await api.post(f"/v1/runs/{run_id}/cancel")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("run-ended")
    runs = (await api.get("/v1/runs", params={"sync_id": sync["id"]})).json()["items"]
    assert [each["status"] for each in runs] == ["succeeded"]


async def test_p08_sync_now_is_refused_before_any_sync_is_marked(
    api: httpx.AsyncClient, body: dict[str, Any], scheduler: Any
) -> None:
    sync = await create(api, body)
    await scheduler.lose()
    answer = await api.post(f"/v1/syncs/{sync['id']}/run")
    assert answer.status_code == 409
    assert answer.json()["hold"]["cause"] == "app_uninstalled"
    assert await scheduler.events(SyncRequested) == []


async def test_a_pause_is_shown_counted_and_ended(
    api: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    sync = await create(api, {**body, "schedule": {"every_seconds": 1}})
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
    api: httpx.AsyncClient, body: dict[str, Any], scheduler: Any, stand_ins: Any
) -> None:
    created = await create(api, body)
    path = f"/v1/syncs/{created['id']}"
    run_id = (await api.post(f"{path}/run")).json()["run_id"]
    stand_ins.objects["contacts"] = ["firstname"]
    await scheduler.fail(await scheduler.store.runs.get(run_id), "mapping")
    assert (await api.get(path)).json()["hold"]["kind"] == "mapping"
    same = await api.patch(path, json={"mapping": body["mapping"]})
    assert same.json()["errors"][0]["field"] == "mapping.0.source"
    mended = {"mapping": [{"source": "firstname", "field_id": "fldName"}]}
    edited = (await api.patch(path, json=mended)).json()
    assert (edited["status"], edited["hold"]) == ("active", None)
    runs = (await api.get("/v1/runs", params={"sync_id": created["id"]})).json()["items"]
    assert [each["trigger"] for each in runs] == ["catch_up", "manual"]


async def test_the_interval_has_a_least_length_by_setting(
    body: dict[str, Any], settings: Any, user_token: Any, client_of: Any
) -> None:
    strict = settings.with_(scheduler_min_interval_seconds=60)
    async with client_of(strict, user_token(), "api") as api:
        answer = await api.post("/v1/syncs", json=put(body, "schedule.every_seconds", 59))
    (error,) = answer.json()["errors"]
    assert error["field"] == "schedule.every_seconds"
    assert "60 or more" in error["remedy"]
