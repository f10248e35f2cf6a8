"""The bootstrap file: it makes a workspace once, and takes back nothing that people changed."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from auth_service_rig import Json, Rig, Start
from tablesync.auth_service.identity import first_workspace
from tablesync.auth_service.identity.first_workspace import BootstrapFile
from tablesync.auth_service.settings import NAME
from tablesync.contracts import new_id
from tablesync.contracts.ids import is_id
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork

GUIDE = Path(__file__).parents[4] / "deploy" / "k8s" / "README.md"
ONCE = {"workspaces": 1, "operators": 3, "memberships": 3, "api_tokens": 3}


@pytest.fixture
def file(workspace: Json, tmp_path: Path) -> Path:
    """The file from which this test's workspace was made."""
    path = tmp_path / "bootstrap.json"
    path.write_text(json.dumps(workspace))
    return path


async def test_who_was_removed_and_what_was_deleted_stay_gone_after_a_restart(
    rig: Rig, start: Start, file: Path
) -> None:
    admin = await rig.operator("admin")
    viewer = rig.person("viewer")
    (token,) = (await admin.get("/v1/api-tokens")).json()["items"]
    (await admin.delete(f"/v1/members/{viewer['id']}")).raise_for_status()
    (await admin.delete(f"/v1/api-tokens/{token['id']}")).raise_for_status()

    again = await start(AUTH_BOOTSTRAP_FILE=str(file))

    members = (await admin.get(f"{again.url}/v1/members")).json()["items"]
    assert {each["role"] for each in members} == {"admin", "operator"}
    assert [await sign_in(again, each) for each in ("admin", "viewer", "operator")] == [
        401, 401, 200
    ]  # fmt: skip


async def test_p29_a_first_workspace_that_cannot_be_read_keeps_no_other_waiting(
    rig: Rig, start: Start, database: Database, file: Path
) -> None:
    unread = {"_id": rig.workspace_id}
    await database["workspaces"].update_one(unread, {"$unset": {"name": ""}})

    again = await start(AUTH_BOOTSTRAP_FILE=str(file))

    assert (await again.client().get("/readyz")).status_code == 200
    assert await database["workspaces"].find_one(unread) == unread


async def test_replicas_that_start_at_once_on_a_new_database_make_one_workspace(
    start: Start, database: Database, isolation: tuple[str, str], file: Path
) -> None:
    topics, databases = (f"{each}new" for each in isolation)
    changes = {"KAFKA_TOPIC_PREFIX": topics, "MONGODB_DATABASE_PREFIX": databases}

    replicas = await asyncio.gather(
        *(start(AUTH_BOOTSTRAP_FILE=str(file), **changes) for _ in range(2))
    )

    assert [await sign_in(each, "admin") for each in replicas] == [200, 200]
    made = database.client[f"{databases}auth"]
    assert {name: await made[name].count_documents({}) for name in ONCE} == ONCE


async def test_people_who_are_known_already_join_the_new_workspace(
    rig: Rig, database: Database, workspace: Json
) -> None:
    other = {"id": new_id("ws"), "name": "Other"}
    people = [
        {**each, "id": new_id("op"), "api_token": f"other-{each['api_token']}"}
        for each in workspace["operators"]
    ]
    content = BootstrapFile.model_validate({"workspace": other, "operators": people})

    await first_workspace.apply(UnitsOfWork(database, NAME), content)

    query = {"workspace_id": other["id"]}
    joined = {each["operator_id"] async for each in database["memberships"].find(query)}
    assert joined == {each["id"] for each in workspace["operators"]}
    assert await sign_in(rig, "admin") == 200


def test_bad_fields_are_named_without_their_values(file: Path, workspace: Json) -> None:
    admin, operator, viewer = workspace["operators"]
    admin["role"], operator["email"], viewer["api_token"] = "owner", "canary", "canary"
    workspace["workspace"]["name"] = ""
    file.write_text(json.dumps(workspace))

    with pytest.raises(ValueError, match="has bad fields") as error:
        first_workspace.read(file)

    assert str(error.value) == (
        "has bad fields: workspace.name, operators.0.role, operators.1.email, operators.2.api_token"
    )


def test_p21_a_character_that_is_not_seen_in_an_address_is_named(
    file: Path, workspace: Json
) -> None:
    workspace["operators"][0]["email"] = "ad\u00admin@example.test"
    file.write_text(json.dumps(workspace))
    with pytest.raises(ValueError, match=r"operators\.0\.email \(it contains U\+00AD .* not seen"):
        first_workspace.read(file)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda people: people.clear(), "one of them has to be an admin"),
        (lambda people: people.pop(0), "one of them has to be an admin"),
        (lambda people: people[1].update(id=people[0]["id"]), "have to differ"),
        (lambda people: people[1].update(email=people[0]["email"].upper()), "have to differ"),
        (lambda people: people[1].update(api_token=people[0]["api_token"]), "have to differ"),
    ],
)
def test_a_file_that_nobody_could_put_right_later_is_refused(
    file: Path, workspace: Json, spoil: Any, why: str
) -> None:
    spoil(workspace["operators"])
    file.write_text(json.dumps(workspace))
    with pytest.raises(ValueError, match=f"operators .*{why}") as error:
        first_workspace.read(file)
    assert not any(each["api_token"] in str(error.value) for each in workspace["operators"])


async def test_an_id_that_somebody_else_has_is_named_as_the_reason(
    rig: Rig, database: Database, workspace: Json
) -> None:
    other = {"id": new_id("ws"), "name": "Other"}
    admin = {**workspace["operators"][0], "email": "else@example.test", "api_token": None}
    content = BootstrapFile.model_validate({"workspace": other, "operators": [admin]})

    with pytest.raises(ValueError, match="an id or an API token is taken"):
        await first_workspace.apply(UnitsOfWork(database, NAME), content)

    assert await database["workspaces"].find_one({"_id": other["id"]}) is None


def test_the_file_that_the_guide_to_kubernetes_shows_is_a_good_one() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    content = BootstrapFile.model_validate_json(shown)
    assert is_id(content.workspace.id, "ws")
    assert [(is_id(each.id, "op"), each.role) for each in content.operators] == [(True, "admin")]


async def sign_in(rig: Rig, role: str) -> int:
    """Exchange the file's API token for this role; return the status of the answer."""
    answer = await rig.client().post("/v1/tokens", json={"api_token": rig.api_token(role)})
    return int(answer.status_code)
