"""What a sync needs is checked before it is made or changed: each fault with its remedy."""

from copy import deepcopy
from typing import Any

import httpx
import pytest
from scheduler_examples import a_state
from scheduler_http import Json, Tokens, client_of, create_sync
from scheduler_rig import Rig
from tablesync.contracts import (
    ConnectionRevoked,
)
from tablesync.scheduler.settings import Settings
from tablesync.test_kit.stand_ins import AuthServiceStandIn, SyncRunnerStandIn

pytestmark = pytest.mark.integration

OTHERS = "ws_0198f0c2-0000-7000-8000-000000000002"


def put(body: Json, path: str, value: Any) -> Json:
    """Return a copy of the body with one field changed."""
    changed = deepcopy(body)
    place, names = changed, path.split(".")
    for name in names[:-1]:
        place = place[name]
    place[names[-1]] = value
    return changed


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
        ("destination.base_id", "appX0000000000001", "destination.base_id", "appAcme0000000001"),
        (
            "destination.table_id",
            "tblX0000000000001",
            "destination.table_id",
            "tblContacts000001 (Contacts)",
        ),
        ("key.source", "nope", "key.source", "email, firstname, id"),
        ("key.field_id", "fldX0000000000001", "key.field_id", "fldKey00000000001 (HubSpot id)"),
        ("key.field_id", "fldName0000000002", "key.field_id", "fldName0000000001 (Name)"),
        (
            "mapping",
            [{"source": "x", "field_id": "fldName0000000001"}],
            "mapping.0.source",
            "email",
        ),
        (
            "mapping",
            [{"source": "email", "field_id": "fldX0000000000001"}],
            "mapping.0.field_id",
            "fldName0000000001",
        ),
        (
            "mapping",
            [{"source": "email", "field_id": "fldSum00000000001"}],
            "mapping.0.field_id",
            "fldName0000000001",
        ),
        (
            "mapping",
            [{"source": "email", "field_id": "fldKey00000000001"}],
            "mapping.0.field_id",
            "once",
        ),
        *(
            (path, odd, path, "Change " + path)
            for path in (
                "destination.base_id",
                "destination.table_id",
                "key.field_id",
                "source.object",
            )
            for odd in ("..", ".", "%2e%2e", "a/b", "a\x00b", "app" + "a" * 5_000, "")
        ),
        ("key", None, "key", "Change key in the body: it should be"),
        ("name", "", "name", "at least one"),
        ("name", " \t\n\u2003", "name", "at least one"),
        ("name", "a\u0000b", "name", "one line"),
        ("name", "a\u0085b", "name", "one line"),
        ("name", "a\u2028b", "name", "one line"),
        ("name", "a\u2029b", "name", "one line"),
        ("name", "Evil\r\nBcc: x@y.z", "name", "one line"),
        ("name", "\u200d\u3164 \u00ad", "name", "at least one letter"),
        ("name", "x" * 256, "name", "at most"),
        ("overlap", "sometimes", "overlap", "it should be 'coalesce' or 'skip'"),
        ("overlaps", "skip", "overlaps", "Leave overlaps out of the body."),
    ],
)
async def test_bad_input_names_the_field_and_the_remedy(
    api: httpx.AsyncClient, body: Json, path: str, value: Any, field: str, remedy: str
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
    api: httpx.AsyncClient, body: Json, name: str, remedy: str
) -> None:
    path = f"/v1/syncs/{(await create_sync(api, body))['id']}"
    answer = await api.patch(path, json={"name": name, "schedule": {"every_seconds": 0}})
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert [each["field"] for each in errors] == ["name", "schedule.every_seconds"]
    assert remedy in errors[0]["remedy"]
    shown = (await api.get(path)).json()
    assert (shown["name"], shown["version"]) == (body["name"], 1)


@pytest.mark.parametrize("name", ["Ζωή 連絡先", "جهات الاتصال", "नमस्ते", "👩‍👩‍👧 Kids", "Łódź"])
async def test_names_in_any_script_are_kept_and_white_space_around_them_is_not(
    api: httpx.AsyncClient, body: Json, name: str
) -> None:
    created = await create_sync(api, {**body, "name": f" {name}\n"})
    assert created["name"] == name
    edit = {"name": f"\u3000{name} 2\t"}
    edited = (await api.patch(f"/v1/syncs/{created['id']}", json=edit)).json()
    assert edited["name"] == f"{name} 2"


async def test_a_key_that_airtable_does_not_merge_on_is_refused(
    api: httpx.AsyncClient, body: Json
) -> None:
    bad = {**body, "key": {"source": "email", "field_id": "fldEmail000000001"}, "mapping": []}
    (error,) = (await api.post("/v1/syncs", json=bad)).json()["errors"]
    assert error["field"] == "key.field_id"
    assert "of type email" in error["message"]
    assert "fldKey00000000001 (HubSpot id), fldName0000000001 (Name)" in error["remedy"]


async def test_the_key_may_be_listed_among_the_mappings(api: httpx.AsyncClient, body: Json) -> None:
    created = await create_sync(api, {**body, "mapping": [body["key"], *body["mapping"]]})
    assert created["mapping"] == [{**each, "as": "label"} for each in body["mapping"]]


async def test_a_lost_connection_refuses_a_new_sync_with_the_cause(
    api: httpx.AsyncClient,
    body: Json,
    rig: Rig,
    auth_service: AuthServiceStandIn,
) -> None:
    await rig.database["connection_holds"].delete_many({})
    auth_service.know(a_state(ConnectionRevoked, 9))
    answer = await api.post("/v1/syncs", json=body)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("connection-not-connected")
    assert answer.json()["cause"] == "app_uninstalled"


async def test_a_dependency_that_is_away_is_no_fault_of_the_caller(
    api: httpx.AsyncClient,
    body: Json,
    auth_service: AuthServiceStandIn,
    sync_runner: SyncRunnerStandIn,
) -> None:
    auth_service.down = sync_runner.down = True
    answer = await api.post("/v1/syncs", json=body)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


async def test_the_interval_has_a_least_length_by_setting(
    body: Json, settings: Settings, tokens: Tokens
) -> None:
    strict = settings.with_(scheduler_min_interval_seconds=60)
    async with client_of(strict, tokens.operator(), "api") as api:
        answer = await api.post("/v1/syncs", json=put(body, "schedule.every_seconds", 59))
    (error,) = answer.json()["errors"]
    assert error["field"] == "schedule.every_seconds"
    assert "60 or more" in error["remedy"]
